import { describe, expect, it } from 'vitest';
import { isGreen, runNode, sentence, sum } from '../../scripts/check/step.ts';
import { countReport } from '../../scripts/check/vitest-report.ts';

const report = (...files: { status?: string; tests: string[] }[]): string =>
  JSON.stringify({ testResults: files.map(({ status = 'passed', tests }, at) => ({ name: `${at}.test.ts`, status, assertionResults: tests.map((test) => ({ status: test })) })) });

describe('the sum', () => {
  it('is the last line', () => {
    expect(sentence({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
    expect(sentence(sum([{ passed: 3, failed: 1, skipped: 0 }, { passed: 1, failed: 0, skipped: 2 }]))).toBe('4 passed, 1 failed, 2 skipped');
  });

  it('is green only when something ran and nothing failed', () => {
    expect(isGreen({ passed: 1, failed: 0, skipped: 5 })).toBe(true);
    expect(isGreen({ passed: 0, failed: 0, skipped: 5 })).toBe(false);
    expect(isGreen({ passed: 9, failed: 1, skipped: 0 })).toBe(false);
  });
});

describe('a report of tests', () => {
  it('counts each test', () => {
    expect(countReport(report({ tests: ['passed', 'passed'] }, { status: 'failed', tests: ['failed', 'skipped', 'todo', 'pending'] }), false)).toEqual({ passed: 2, failed: 1, skipped: 3 });
  });

  it('counts a file that did not load, and an error outside any test', () => {
    expect(countReport(report({ status: 'failed', tests: [] }, { tests: ['passed'] }), false)).toEqual({ passed: 1, failed: 1, skipped: 0 });
    expect(countReport(report({ tests: ['passed'] }), false)).toEqual({ passed: 1, failed: 1, skipped: 0 });
    expect(countReport(null, true)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('refuses another form', () => {
    expect(() => countReport('{"results":[]}', true)).toThrow('testResults');
  });
});

describe('a step', () => {
  const options = { cwd: import.meta.dirname, limitMs: 20_000, live: false };

  it('gives output and outcome, without stdin', async () => {
    const script = "process.stdin.on('data', () => {}).on('end', () => { console.log('out'); console.error('err'); process.exit(Number(process.argv[1])); })";
    const ended = await runNode(['-e', script, '0'], options);
    expect(ended.ok).toBe(true);
    expect(ended.output).toContain('out');
    expect(ended.output).toContain('err');
    expect((await runNode(['-e', script, '3'], options)).ok).toBe(false);
  });

  it('is stopped when it hangs, and that is a failure', async () => {
    const ended = await runNode(['-e', 'setInterval(() => {}, 1000)'], { ...options, limitMs: 100 });
    expect(ended.ok).toBe(false);
    expect(ended.output).toContain('stopped after');
  });
});
