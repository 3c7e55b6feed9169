import { defineConfig } from 'vitest/config'

/** Days in simulated time. Seeds from STEMMA_HOURS_SEED (1) on, as many as STEMMA_HOURS_SEEDS says. */
export default defineConfig({
  test: {
    include: ['test/hours/**/*.test.ts'],
    testTimeout: 1_200_000,
    pool: 'forks',
    env: { STEMMA_HOURS: '72', STEMMA_HOURS_SEEDS: process.env['STEMMA_HOURS_SEEDS'] ?? '4' },
  },
})
