// `npm start`: install what is missing, build what changed, serve. Plain JavaScript with Node's own modules only,
// because it runs before anything is installed. package.json says `exec`, so that no shell stands between npm's signals
// and the server (npm otherwise exits 130 on Ctrl-C and leaves an orphan on SIGTERM); on Windows: `node scripts/start.mjs`.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildDigest, buildStampPath, readStamp } from './setup/digest.mjs';
import { checkNode, ensureInstalled } from './setup/install.mjs';
import { SetupError, run, runOrExplain, say } from './setup/run.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const server = join(root, 'dist', 'server', 'main.js');

/** @param {readonly string[]} flags passed on to the build */
const ensureBuilt = (flags) => {
  if (readStamp(buildStampPath(root)) === buildDigest(root)) return;
  say('building …');
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  if (!run(process.execPath, [tsx, join(root, 'scripts', 'build.ts'), ...flags], { cwd: root })) {
    throw new SetupError('The build failed (see above).', 'Mend what it names and run this again; `npm run build` builds alone.');
  }
};

await runOrExplain(async () => {
  checkNode(process.versions.node);
  // An image ships dist without sources: there is nothing to install or build then.
  if (existsSync(join(root, 'server', 'main.ts')) || !existsSync(server)) {
    ensureInstalled(root);
    ensureBuilt(process.argv.includes('--partial') ? ['--partial'] : []);
  }
  // The server runs in this very process, so that signals reach it without a go-between.
  process.chdir(root);
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(server).href);
});
