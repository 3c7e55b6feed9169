import { defineConfig } from 'vitest/config'

/** Every fault at every disk call of every scenario, with all their reboots: minutes where the suite takes seconds. */
export default defineConfig({
  test: {
    include: [
      'test/crash/{apply,blobs,log,secrets}.test.ts',
      'test/engine/apply/{history,race}.test.ts',
      'test/engine/compose/{cut,cut-off,hooks-home}.test.ts',
      'test/engine/keys/keys.test.ts',
    ],
    testTimeout: 1_200_000,
    pool: 'forks',
    maxWorkers: 2,
    env: { STEMMA_SWEEP: 'all' },
  },
})
