/**
 * A process that stays warm between mutants and runs test files on each: what costs most of a short test run is to start vitest and to
 * transform the sources. Told by messages of its parent (`Task`); answers each with a `Report`. Never touches the checkout.
 */
import { join } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { createVitest } from 'vitest/node';

/** Runs these files, in this order, and stops at the first test that fails. */
export interface Task {
  /** Relative to the root of the repository. */
  readonly files: readonly string[];
  /** The source that is replaced, relative to the root, and by what; null: none. */
  readonly replaced: { readonly file: string; readonly text: string } | null;
}

export interface Report {
  /** The full name of the first test that failed, or the error outside of any test; null: all passed. */
  readonly failed: string | null;
  /** How long each file took, in ms, without loading what it imports. */
  readonly ms: Readonly<Record<string, number>>;
}

const root = join(import.meta.dirname, '../..');
let replaced: Task['replaced'] = null;
let order: readonly string[] = [];

/** Keeps the order of the task: the cheapest first. */
class InOrder {
  shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files);
  }

  sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number =>
      order.findIndex((file) => moduleId === join(root, file));
    return Promise.resolve([...files].sort((a, b) => placeOf(a) - placeOf(b)));
  }
}

const vitest = await createVitest(
  'test',
  {
    config: false,
    root,
    watch: true,
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    poolOptions: { forks: { singleFork: true } },
    // Files of one area do not disturb one another: what costs most is to load them.
    isolate: false,
    bail: 1,
    testTimeout: 60_000,
    reporters: [{}],
    sequence: { sequencer: InOrder },
    env: { NO_COLOR: '1' },
  },
  {
    server: { watch: null },
    plugins: [
      {
        name: 'mutant',
        enforce: 'pre',
        load: (id) =>
          replaced !== null && id.split('?')[0] === join(root, replaced.file) ? replaced.text : null,
      },
    ],
  },
);

/** Forgets what was made of the source, so that it is loaded anew. */
function invalidate(file: string): void {
  const { moduleGraph } = vitest.vite;
  for (const found of moduleGraph.getModulesByFile(join(root, file)) ?? [])
    moduleGraph.invalidateModule(found);
  vitest.invalidateFile(join(root, file));
}

async function run(task: Task): Promise<Report> {
  for (const of of [replaced, task.replaced]) if (of !== null) invalidate(of.file);
  ({ replaced } = task);
  order = task.files;
  // What failed before would count against `bail`, and be reported again.
  const { state } = vitest;
  state.filesMap.clear();
  state.idMap.clear();
  state.errorsSet.clear();
  const specs = await vitest.globTestSpecifications([...task.files]);
  const chosen = specs.filter(({ moduleId }) => task.files.some((file) => moduleId === join(root, file)));
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(chosen, false);
  const ms: Record<string, number> = {};
  let failed: string | null = null;
  for (const testModule of testModules) {
    ms[testModule.moduleId.slice(root.length + 1)] = testModule.diagnostic().duration;
    const [error] = testModule.errors();
    if (error !== undefined) failed ??= error.message;
    for (const test of testModule.children.allTests())
      if (test.result().state === 'failed') failed ??= test.fullName;
  }
  const [error] = unhandledErrors;
  if (error !== undefined) failed ??= error instanceof Error ? error.message : String(error);
  if (testModules.length < task.files.length) failed ??= 'not every test file ran';
  return { failed, ms };
}

process.on('message', (task: Task) => {
  run(task).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ failed: String(error), ms: {} } satisfies Report),
  );
});
process.on('disconnect', () => process.exit(0));
await vitest.init();
process.send?.('ready');
