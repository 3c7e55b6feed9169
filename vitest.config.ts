import { defineConfig } from 'vitest/config'

/** Tests that change nothing of their process: one after the other they share it, and what it has loaded. */
const inside = ['test/{engine,schemas,sim,transport}/**/*.test.ts']

/** The built command as whole processes, one after the other: what takes most of the time. */
const whole = [
  'test/{bench,e2e,kill}/**/*.test.ts',
  'test/cli/demo.test.ts',
  'test/cli/service/install.test.ts',
]

/** Those of them that every `npm test` has: two machines and all that passes between them, with the real Codex. */
const core = 'test/e2e/{auth,codex,config,fresh,hook,netns,pair,session,shim,sync}.test.ts'

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
          exclude: [...inside, ...whole, 'test/hours/minute.test.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'core', include: [core] },
      },
      {
        extends: true,
        test: { name: 'whole', include: whole, exclude: [core] },
      },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
