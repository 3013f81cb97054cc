/** Rows of the client's bench. */
import { writeFile } from 'node:fs/promises';
import { machine } from '../bench/report.ts';

export interface WebRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The budget; null for what is only told. */
  readonly target: number | null;
  readonly ok: boolean;
  /** The same work without encryption, in the same run. */
  readonly baseline: number | null;
}

export const atMost = (name: string, value: number, unit: string, target: number): WebRow => ({ name, value, unit, target, ok: value <= target, baseline: null });
export const told = (name: string, value: number, unit: string): WebRow => ({ name, value, unit, target: null, ok: true, baseline: null });

/** Each row beside the one of the same name that was measured without encryption. */
export const beside = (rows: readonly WebRow[], plain: readonly WebRow[]): readonly WebRow[] =>
  rows.map((row) => ({ ...row, baseline: plain.find(({ name }) => name === row.name)?.value ?? null }));

export function table(rows: readonly WebRow[]): string {
  const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 0 });
  const lines = rows.map(({ name, value, unit, target, ok, baseline }) => {
    const budget = target === null ? '' : `${number(target)} ${ok ? '✓' : '✗'}`;
    return `| ${name} | ${number(value)} ${unit} | ${budget} | ${baseline === null ? '' : `${number(baseline)} ${unit}`} |`;
  });
  return ['| work | measured | budget | without encryption |', '|---|---|---|---|', ...lines].join('\n');
}

export async function report(rows: readonly WebRow[], jsonFile: string | null): Promise<void> {
  process.stdout.write(`${machine()}\n\n${table(rows)}\n`);
  if (jsonFile !== null) await writeFile(jsonFile, `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`);
}
