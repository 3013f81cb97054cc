import { defineConfig } from 'vitest/config';
import { uiPlugins } from './vite.config.ts';

/** Folders with a project of their own; `unit` is all the others, so that no test is left out. */
const named = ['server', 'contract', 'simulation', 'compat'];

const project = (name: string, include: string[], exclude: string[] = []) => ({
  extends: true as const,
  test: { name, include, exclude: ['node_modules/**', 'dist/**', 'test/e2e/**', ...exclude] },
});

// One runner for every kind of test; folders decide which environment they need.
export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    setupFiles: ['test/harness/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A busy machine can break a real socket; the reporter shows what needed a second go, and a wrong answer fails twice.
    retry: 1,
    projects: [
      project('unit', ['test/**/*.test.{ts,tsx}'], [...named, 'web'].map((name) => `test/${name}/**`)),
      ...named.map((name) => project(name, [`test/${name}/**/*.test.ts`])),
      { ...project('web', ['test/web/**/*.test.{ts,tsx}'], ['test/web/ui/**']) },
      // Views and their models go through the same macros as in the build.
      { ...project('ui', ['test/web/ui/**/*.test.{ts,tsx}']), plugins: uiPlugins() },
    ],
  },
});
