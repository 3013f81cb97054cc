/** What arrives before the first paint and the first message, against its budget: beyond it the build fails. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** KiB, gzip, of the engine's worker with everything that it imports before it runs. */
export const engineBudgetKib = 60;

/** `import … from "./x.js"` and `import "./x.js"`, as written by the bundler; `import("./x.js")` is for later. */
const staticImport = /(?:^|[;}\s])(?:import|export)(?:[^'"`()]*?\bfrom)?\s*["'`](\.[^"'`]+)["'`]/g;

/** A script and all that it imports statically, each once. */
export function loadedWith(path: string, read: (path: string) => string): readonly string[] {
  const found = new Set<string>();
  const visit = (at: string): void => {
    if (found.has(at)) return;
    found.add(at);
    for (const [, to = ''] of read(at).matchAll(staticImport)) visit(join(dirname(at), to));
  };
  visit(path);
  return [...found];
}

const gzipKib = (paths: readonly string[]): number =>
  paths.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0) / 1_024;

/** KiB, gzip, of the built worker in `folder` (dist/web). Throws when it is over the budget or is not there. */
export function engineKib(folder: string): number {
  const assets = join(folder, 'assets');
  const workers = readdirSync(assets).filter((name) => /^engine-worker-[^.]+\.js$/.test(name));
  if (workers.length !== 1) throw new Error(`expected one engine worker in ${assets}, found ${workers.length}`);
  const parts = workers.flatMap((name) => loadedWith(join(assets, name), (path) => readFileSync(path, 'utf8')));
  const kib = gzipKib(parts);
  if (kib > engineBudgetKib) {
    throw new Error(
      `the engine's worker has ${kib.toFixed(1)} KiB gzip, its budget is ${engineBudgetKib}: load what the first message does without later`,
    );
  }
  return kib;
}
