// `npm test`: installs what is missing, then runs every check there is. Plain JavaScript with Node's own modules only.
// The last line of the output is `N passed, N failed`, whatever happens.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from './setup/chromium.mjs';
import { checkNode, ensureInstalled } from './setup/install.mjs';
import { run, runOrExplain } from './setup/run.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const flags = process.argv.slice(2);

await runOrExplain(() => {
  checkNode(process.versions.node);
  ensureInstalled(root);
  if (!flags.some((flag) => flag.startsWith('--only')) || flags.join(' ').includes('e2e')) ensureChromium(root);
});
if (process.exitCode === 1) {
  process.stdout.write('0 passed, 1 failed\n');
} else {
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  process.exitCode = run(process.execPath, [tsx, join(root, 'scripts', 'check.ts'), ...flags], { cwd: root }) ? 0 : 1;
}
