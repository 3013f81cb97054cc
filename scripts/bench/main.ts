/** `npm run bench [-- --json FILE]`: measures the built product; run `npm run build` first. */
import { bundleRow } from './bundle.ts';
import { filesRow } from './files.ts';
import { purgeRow } from './purge.ts';
import { relayRows } from './relay.ts';
import { report } from './report.ts';

const at = process.argv.indexOf('--json');
const jsonFile = at === -1 ? null : (process.argv[at + 1] ?? null);
await report([...(await relayRows()), await filesRow(), await purgeRow(), await bundleRow()], jsonFile);
