import { defineConfig } from 'vitest/config'

/** The long runs over random TOML documents and config histories. A failure prints its seed. */
export default defineConfig({
  test: {
    include: ['test/engine/toml/*-random.test.ts', 'test/engine/merge/*-random.test.ts'],
    testTimeout: 1_200_000,
    pool: 'forks',
    env: { STEMMA_MERGE_CASES: '20000' },
  },
})
