import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The tests of the commands run what is built.
    globalSetup: ['test/build-once.ts'],
    // Two cores: one file each, in processes of their own, for tests set MUSTER_HOME and start processes.
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    // A condition that holds is met long before; these end what hangs, on a machine that is busy.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    expect: { poll: { timeout: 10_000, interval: 20 } },
    reporters: ['default', './test/closing-line.ts'],
    // No colours in what the program says, and no cluster of the person who runs the tests.
    env: { NO_COLOR: '1', MUSTER_CLUSTER: '', MUSTER_TIMEOUT: '' },
  },
});
