import { defineConfig } from 'vitest/config'

/** The long runs over random TOML documents and config histories. The seed is fixed; STEMMA_MERGE_SEED names another. */
export default defineConfig({
  test: {
    include: ['test/engine/toml/*-random.test.ts', 'test/engine/merge/*-random.test.ts'],
    testTimeout: 1_200_000,
    pool: 'forks',
    env: { STEMMA_MERGE_CASES: '20000' },
  },
})
