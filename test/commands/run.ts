import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The program as built (test/build-once.ts sees to that), and as it runs from source. */
export const program = join(import.meta.dirname, '../../bin/run.js');
export const fromSource = join(import.meta.dirname, '../../bin/dev.js');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a process of its own, with `home` as its only world. */
export function muster(
  home: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string; program?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const { NODE_EXTRA_CA_CERTS: _, MUSTER_CLUSTER: __, MUSTER_TIMEOUT: ___, ...env } = process.env;
    const child = spawn(process.execPath, [options.program ?? program, ...args], {
      cwd: options.cwd ?? home,
      env: { ...env, MUSTER_HOME: home, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}
