/** Rows of the bench: a value beside a baseline that was measured in the same run. */
import { cpus, totalmem } from 'node:os';
import { writeFile } from 'node:fs/promises';

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline: number;
  /** value / baseline. */
  readonly ratio: number;
  /** The ratio (or, for sizes, the value) that the row should reach, and whether it does. */
  readonly target?: number;
  readonly ok?: boolean;
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export const machine = (): string => `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;

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
