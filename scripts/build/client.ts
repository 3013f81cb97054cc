import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { webConfig } from '../../vite.config.ts';
import { engineBudgetKib, engineKib } from './budget.ts';
import { compressFolder } from './compress.ts';
import { inlineParts } from './page.ts';

/** dist/web: the client with hashed names and a .br and .gz beside every text file. */
export const buildClient = async (root: string): Promise<string> => {
  await build({ ...webConfig(), configFile: false, mode: 'production', logLevel: 'warn' });
  const folder = join(root, 'dist', 'web');
  const found = inlineParts(readFileSync(join(folder, 'index.html'), 'utf8'));
  if (found.length > 0) throw new Error(`index.html breaks the content security policy:\n${found.join('\n')}`);
  const kib = engineKib(folder);
  const { files, bytes, gzipBytes } = await compressFolder(folder);
  return `${files} text files, ${Math.round(bytes / 1024)} KiB, ${Math.round(gzipBytes / 1024)} KiB gzip; the engine's worker ${kib.toFixed(1)} of ${engineBudgetKib} KiB`;
};
