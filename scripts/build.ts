// `npm run build`: dist/web, dist/server, dist/sdk. Whole or failed; `--partial` (development only) leaves out parts
// whose entry nobody has written yet, loudly and without a stamp. `--only web|server|sdk` builds one part.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../vite.config.ts';
import { buildClient } from './build/client.ts';
import { buildSdk } from './build/sdk.ts';
import { buildServer } from './build/server.ts';
import { buildDigest, buildStampPath } from './setup/digest.mjs';

const parts = {
  server: { entry: 'server/main.ts', build: buildServer },
  sdk: { entry: 'web/sdk/index.ts', build: buildSdk },
  web: { entry: 'web/index.html', build: buildClient },
} as const;

const { values: flags } = parseArgs({ options: { partial: { type: 'boolean', default: false }, only: { type: 'string' } } });
const chosen = Object.entries(parts).filter(([name]) => flags.only === undefined || flags.only === name);
if (chosen.length === 0) throw new Error(`--only must be one of ${Object.keys(parts).join(', ')}`);

// Taken before the build: an edit in the meantime must lead to another one.
const digest = buildDigest(root);
mkdirSync(join(root, 'dist'), { recursive: true });
rmSync(buildStampPath(root), { force: true });

const missing = chosen.filter(([, part]) => !existsSync(join(root, part.entry)));
for (const [name, part] of missing) {
  process.stderr.write(`build: !!! ${part.entry} does not exist: ${name} ${flags.partial ? 'is LEFT OUT' : 'cannot be built'}\n`);
}
if (missing.length > 0 && !flags.partial) process.exit(1);

try {
  for (const [name, part] of chosen) {
    if (missing.some(([absent]) => absent === name)) continue;
    const startedMs = performance.now();
    const summary = await part.build(root);
    process.stdout.write(`build: ${name} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ${summary}\n`);
  }
  if (missing.length === 0 && flags.only === undefined) writeFileSync(buildStampPath(root), `${digest}\n`);
} catch (error) {
  process.stderr.write(`build: failed\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
