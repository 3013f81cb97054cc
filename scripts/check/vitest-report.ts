import * as v from 'valibot';
import type { Count } from './step.ts';

const report = v.object({
  testResults: v.array(
    v.object({
      name: v.string(),
      status: v.string(),
      message: v.optional(v.string()),
      assertionResults: v.array(v.object({ status: v.string() })),
    }),
  ),
});

/**
 * Counts vitest's JSON report: every test as itself; a file that failed without a failed test (it did not load, a hook
 * broke) as one failure; a run that ended badly though no test failed (an unhandled error) as one, too.
 */
export const countReport = (json: string | null, endedWell: boolean): Count => {
  if (json === null) return { passed: 0, failed: 1, skipped: 0 };
  const files = v.parse(report, JSON.parse(json)).testResults;
  const tests = files.flatMap((file) => file.assertionResults.map(({ status }) => status));
  const brokenFiles = files.filter((file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')).length;
  const failed = tests.filter((status) => status === 'failed').length + brokenFiles;
  const passed = tests.filter((status) => status === 'passed').length;
  const skipped = tests.length - passed - (failed - brokenFiles);
  return { passed, failed: failed === 0 && !endedWell ? 1 : failed, skipped };
};
