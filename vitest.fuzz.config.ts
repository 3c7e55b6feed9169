import { defineConfig } from 'vitest/config'

/** The long runs: a million mutants in a heap that a decoder which can be made to grow would burst. */
export default defineConfig({
  test: {
    include: ['test/fuzz/**/*.test.ts'],
    testTimeout: 600_000,
    pool: 'forks',
    env: { STEMMA_FUZZ_CASES: '1000000' },
    execArgv: ['--max-old-space-size=128'],
  },
})
