/** Rows of the bench: a value beside a baseline that was measured in the same run. */
import { cpus, totalmem } from 'node:os';
import { writeFile } from 'node:fs/promises';

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline: number;
  /** value / baseline; of memory, what value is over. */
  readonly ratio: number;
  /** The ratio (or, for sizes, the value) that the row should reach, and whether it does. */
  readonly target?: number;
  readonly ok?: boolean;
  /** The same work for each second of the server's CPU time, where it was measured. */
  readonly perCpuSecond?: number;
  readonly baselinePerCpuSecond?: number;
}

export interface Compared {
  readonly name: string;
  readonly unit: string;
  /** Alternating rounds, as many of each. */
  readonly ours: readonly number[];
  readonly bare: readonly number[];
  /** Least ratio that is good enough, where more is better. */
  readonly target: number;
  readonly perCpuSecond?: readonly number[];
  readonly barePerCpuSecond?: readonly number[];
  /** The ratio for each second of CPU time must be good enough as well. */
  readonly byCpuToo?: boolean;
}

/** A row of medians, where more is better. */
export function compare({ name, unit, ours, bare, target, perCpuSecond, barePerCpuSecond, byCpuToo }: Compared): Row {
  const value = median(ours);
  const baseline = median(bare);
  const ratio = value / baseline;
  return {
    name,
    value,
    unit,
    baseline,
    ratio,
    target,
    ok: ratio >= target && (byCpuToo !== true || median(perCpuSecond ?? []) / median(barePerCpuSecond ?? []) >= target),
    ...(perCpuSecond === undefined ? {} : { perCpuSecond: median(perCpuSecond) }),
    ...(barePerCpuSecond === undefined ? {} : { baselinePerCpuSecond: median(barePerCpuSecond) }),
  };
}

/** A row of medians, where less is better: `target` is the greatest ratio that is good enough. */
export function compareLess({ name, unit, ours, bare, target }: Compared): Row {
  const value = median(ours);
  const baseline = median(bare);
  const ratio = value / baseline;
  return { name, value, unit, baseline, ratio, target, ok: ratio <= target };
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export const percentile99 = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;

export function table(rows: readonly Row[]): string {
  const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 0 });
  const lines = rows.map((row) => {
    const target = row.target === undefined ? '' : `${number(row.target)} ${row.ok === true ? '✓' : '✗'}`;
    return `| ${row.name} | ${number(row.value)} ${row.unit} | ${number(row.baseline)} ${row.unit} | ${row.ratio.toFixed(2)} | ${target} |`;
  });
  return ['| work | lanying | baseline | ratio | target |', '|---|---|---|---|---|', ...lines].join('\n');
}

export async function report(rows: readonly Row[], jsonFile: string | null): Promise<void> {
  process.stdout.write(`${machine()}\n\n${table(rows)}\n`);
  if (jsonFile !== null) await writeFile(jsonFile, `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`);
}
