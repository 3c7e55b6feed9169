import { defineConfig } from 'vitest/config'

/** Tests that change nothing of their process: one after the other they share it, and what it has loaded. */
const inside = ['test/{engine,schemas,sim,transport}/**/*.test.ts']

export default defineConfig({
  test: {
    // A test nearly fills a core, by itself or by the processes that it starts: two at once are what two cores take.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'inside', include: inside, isolate: false },
      },
      {
        extends: true,
        test: {
          name: 'outside',
          include: ['test/**/*.test.ts'],
          exclude: [...inside, 'test/hours/minute.test.ts'],
        },
      },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
