import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Library from '../../src/index.js';
import { cleanEnv, run } from './processes.js';

/** The sources beside this file. */
export const here = fileURLToPath(new URL('../..', import.meta.url));

/** muster as it is shipped, built into a folder of its own, with clusters of its own. */
export class Muster {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly program: string;

  /**
   * Builds the sources in `root`; `workspace` takes the build and the clusters' data, in folders that begin with
   * `name`. Dependencies are always those beside this file.
   */
  constructor(workspace: string, root = here, name = 'muster') {
    this.dir = join(workspace, name);
    mkdirSync(this.dir);
    for (const part of ['bin', 'commands', 'src', 'scripts', 'package.json', 'tsconfig.json'])
      cpSync(join(root, part), join(this.dir, part), { recursive: true });
    symlinkSync(join(here, 'node_modules'), join(this.dir, 'node_modules'));
    run(process.execPath, [join(this.dir, 'scripts/build.mjs')]);
    this.program = join(this.dir, 'bin/run.js');
    const home = join(workspace, `${name}-home`);
    this.env = cleanEnv({ MUSTER_HOME: home });
    // Nodes are detached: they would outlive a benchmark that fails.
    process.on('exit', () => {
      if (!existsSync(home)) return;
      for (const cluster of this.ask<{ name: string }[]>('cluster', 'list')) this.destroy(cluster.name);
    });
  }

  /** Runs a command to its end; returns its standard output. Throws when it fails. */
  command(...args: string[]): string {
    return run(process.execPath, [this.program, ...args], this.env);
  }

  /** Runs a command with `--json` and returns what it said. */
  ask<T>(...args: string[]): T {
    return JSON.parse(this.command(...args, '--json')) as T;
  }

  /** The built library, using this build's clusters. */
  async library(): Promise<typeof Library> {
    process.env.MUSTER_HOME = this.env.MUSTER_HOME;
    return (await import(pathToFileURL(join(this.dir, 'dist/src/index.js')).href)) as typeof Library;
  }

  /** Ends and removes a cluster; no matter when there is none. */
  destroy(cluster: string): void {
    try {
      this.command('cluster', 'destroy', cluster, '--yes');
    } catch (error) {
      if (!/unknown-cluster|no cluster/.test(String(error))) throw error;
    }
  }
}

export interface NodeInfo {
  readonly id: string;
  readonly pid: number;
  readonly url: string;
  readonly state: string;
}

export interface StatusInfo {
  readonly nodes: readonly NodeInfo[];
  readonly dir: string;
}
