// Everything that must hold, in one command: types, lint, tidy, build, then vitest's projects, then the browser tests.
// `--only types,lint,tidy,build,unit,e2e` chooses. The last line is the sum; green is exit code 0.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../vite.config.ts';
import { isGreen, oneFailed, onePassed, runNode, sentence, sum, type Count } from './check/step.ts';
import { countReport } from './check/vitest-report.ts';
import { findChromium } from './setup/chromium.mjs';
import { buildDigest, buildStampPath, readStamp } from './setup/digest.mjs';

const modules = join(root, 'node_modules');
const tsx = join(modules, 'tsx', 'dist', 'cli.mjs');
const minuteMs = 60_000;

const statics = {
  types: [join(modules, 'typescript', 'bin', 'tsc'), '--noEmit', '-p', root],
  lint: [join(modules, 'oxlint', 'bin', 'oxlint'), '--deny-warnings'],
  tidy: [tsx, join(root, 'scripts', 'tidy.ts')],
  build: [tsx, join(root, 'scripts', 'build.ts')],
} as const;
type Static = keyof typeof statics;
const suites = { unit: 'vitest.config.ts', e2e: 'vitest.e2e.config.ts' } as const;
type Suite = keyof typeof suites;

const { values: flags } = parseArgs({ options: { only: { type: 'string' } } });
const only = flags.only?.split(',');
const known = [...Object.keys(statics), ...Object.keys(suites)];
const unknown = only?.find((name) => !known.includes(name));
if (unknown !== undefined) throw new Error(`--only takes ${known.join(', ')}; not ${unknown}`);
const isChosen = (name: string): boolean => only?.includes(name) ?? true;

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** One failed or passed; its output is shown only when it failed. */
const runStatic = async (name: Static): Promise<Count> => {
  const startedMs = performance.now();
  const { ok, output } = await runNode(statics[name], { cwd: root, limitMs: 5 * minuteMs, live: false });
  print(`${ok ? '✓' : '✗'} ${name} (${seconds(startedMs)})${ok ? '' : `\n${output.trimEnd()}\n`}`);
  return ok ? onePassed : oneFailed;
};

const runSuite = async (name: Suite): Promise<Count> => {
  print(`\n── ${name} ──`);
  const report = join(root, 'node_modules', '.cache', 'lanying', `${name}.json`);
  mkdirSync(join(report, '..'), { recursive: true });
  rmSync(report, { force: true });
  const args = [join(modules, 'vitest', 'vitest.mjs'), 'run', '--config', suites[name], '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { ok } = await runNode(args, { cwd: root, limitMs: 14 * minuteMs, live: true });
  return countReport(existsSync(report) ? readFileSync(report, 'utf8') : null, ok);
};

/** The cheap ones beside the build, which is the long one: two at a time. */
const runStatics = async (): Promise<Count[]> => {
  const cheap = (['types', 'lint', 'tidy'] as const).filter(isChosen);
  const inTurn = async (): Promise<Count[]> => {
    const counts: Count[] = [];
    for (const name of cheap) counts.push(await runStatic(name));
    return counts;
  };
  const stale = readStamp(buildStampPath(root)) !== buildDigest(root);
  const builds = isChosen('build') || (isChosen('e2e') && stale);
  const [first, second] = await Promise.all([inTurn(), builds ? runStatic('build') : null]);
  return second ? [...first, second] : first;
};

const runBrowserTests = async (): Promise<Count> => {
  if (!findChromium()) {
    print('✗ e2e: there is no Chromium on this machine');
    return oneFailed;
  }
  if (readStamp(buildStampPath(root)) === null) {
    print('✗ e2e: not run, because there is no whole build to run it on');
    return oneFailed;
  }
  return runSuite('e2e');
};

const startedMs = performance.now();
const counts = await runStatics();
if (isChosen('unit')) counts.push(await runSuite('unit'));
if (isChosen('e2e')) counts.push(await runBrowserTests());
const total = sum(counts);
print(`\nin ${seconds(startedMs)}`);
print(sentence(total));
process.exitCode = isGreen(total) ? 0 : 1;
