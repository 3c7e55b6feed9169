import { defineConfig } from 'vitest/config'

/** Real kills, by the hundred. */
export default defineConfig({
  test: {
    include: ['test/kill/**/*.test.ts'],
    hookTimeout: 60_000,
    pool: 'forks',
    env: { STEMMA_KILL_ROUNDS: '210' },
  },
})
