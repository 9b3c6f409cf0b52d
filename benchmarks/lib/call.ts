import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { CallerFigures, CallerSaid, CallerSetup, CallerTask } from './caller.js';
import { cleanEnv } from './processes.js';

/** A client process (`caller.ts`) that measures what it is told. */
export class Caller {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** `node`: further options for its Node, e.g. to profile it. */
  static async start(setup: CallerSetup, env = cleanEnv(), node: readonly string[] = []): Promise<Caller> {
    const tsx = createRequire(import.meta.url).resolve('tsx');
    const program = fileURLToPath(new URL('caller.ts', import.meta.url));
    const child = fork(program, [JSON.stringify(setup)], { execArgv: [...node, '--import', tsx], env });
    const caller = new Caller(child);
    await caller.#next();
    return caller;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Rejects when nothing at all succeeded. */
  async measure(task: CallerTask): Promise<CallerFigures> {
    this.#child.send(task);
    const said = await this.#next();
    if (!('figures' in said)) throw new Error('the caller said something else');
    const [{ name, count }] = said.figures.operations as [CallerFigures['operations'][number]];
    if (count === 0) throw new Error(`no ${name} succeeded: ${said.firstError}`);
    return said.figures;
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await gone;
  }

  #next(): Promise<CallerSaid> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the caller ended with ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (said) => {
        this.#child.off('exit', onExit);
        resolve(said as CallerSaid);
      });
    });
  }
}
