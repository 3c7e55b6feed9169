import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Half of the tests wait for processes that they started: on two cores two files at once take half the time.
    maxWorkers: 2,
  },
})
