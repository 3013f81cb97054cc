/** `npm run bench:web [-- --json FILE] [-- --messages N]`: the built client in Chromium on a real server; run `npm run build` first. */
import { bundleRow } from '../bench/bundle.ts';
import { report, type WebRow } from './report.ts';
import { fillRow, livingRows, openRows } from './rows.ts';
import { Stage } from './stage.ts';

const argument = (name: string): string | null => {
  const at = process.argv.indexOf(name);
  return at === -1 ? null : (process.argv[at + 1] ?? null);
};

async function measured(count: number): Promise<readonly WebRow[]> {
  const stage = await Stage.build(count);
  try {
    return [await fillRow(stage), ...(await openRows(stage)), ...(await livingRows(stage))];
  } finally {
    await stage.end();
  }
}

const { name, value, unit } = await bundleRow();
const rows = await measured(Number(argument('--messages') ?? 100_000));
await report([{ name, value, unit, target: 130, ok: value <= 130, baseline: null }, ...rows], argument('--json'));
// Chromium and the author's sockets are gone; what Node still holds is nothing that counts.
process.exit();
