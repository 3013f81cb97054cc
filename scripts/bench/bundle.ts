/** Row of the client: JavaScript that the first page loads, gzip, against the budget. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Row } from './report.ts';

const web = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const budgetKib = 130;

/** Scripts and module preloads that index.html names: what arrives before the first paint. */
export async function bundleRow(): Promise<Row> {
  const html = await readFile(`${web}index.html`, 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\/?([^"]+\.js)"/g)].map((match) => match[1] ?? '');
  const sizes = await Promise.all(
    files.map(async (file) => gzipSync(await readFile(`${web}${file}`), { level: 9 }).length),
  );
  const value = sizes.reduce((sum, size) => sum + size, 0) / 1_024;
  return {
    name: 'initial JavaScript of the page, gzip',
    value,
    unit: 'KiB',
    baseline: budgetKib,
    ratio: value / budgetKib,
    target: 1,
    ok: value <= budgetKib,
  };
}
