/** `npm run bench [-- --json FILE] [-- --only WORD]`: measures the built product; run `npm run build` first. */
import { Appliance, setupToken } from '../../test/harness/appliance.ts';
import { createOwner, RawSocket } from '../../test/harness/raw-client.ts';
import { isInstalled } from './broker.ts';
import { bundleRow } from './bundle.ts';
import { catchUpRow } from './catch-up.ts';
import { deliveriesRow, mosquittoRow, prosodyRow } from './deliveries.ts';
import { filesRow } from './files.ts';
import { idleRow } from './idle.ts';
import { latencyRow } from './latency.ts';
import { purgeRow } from './purge.ts';
import { sendsRow } from './relay.ts';
import { report, type Row } from './report.ts';
import type { Bench } from './talk.ts';

const argument = (name: string): string | null => {
  const at = process.argv.indexOf(name);
  return at === -1 ? null : (process.argv[at + 1] ?? null);
};

/** Each on an appliance of its own, so that no row works on what another left behind. */
async function onAppliance(row: (bench: Bench) => Promise<Row>): Promise<Row> {
  const appliance = await Appliance.start();
  try {
    const account = await createOwner(appliance.origin, setupToken);
    return await row({ appliance, account, control: await RawSocket.open(appliance.origin, account.cookie) });
  } finally {
    await appliance.stop();
  }
}

type Rows = Readonly<Record<string, () => Promise<Row>>>;

/** Other servers come from Debian's packages of the same name. */
function whereThere(name: string, row: (bench: Bench) => Promise<Row>): Rows {
  if (isInstalled(name)) return { [name]: () => onAppliance(row) };
  process.stderr.write(`SKIPPED ${name}: it is not installed here (apt-get install ${name})\n`);
  return {};
}

const all: Rows = {
  sends: () => onAppliance(sendsRow),
  deliveries: () => onAppliance(deliveriesRow),
  ...whereThere('mosquitto', mosquittoRow),
  ...whereThere('prosody', prosodyRow),
  'catch-up': () => onAppliance(catchUpRow),
  latency: () => onAppliance(latencyRow),
  files: filesRow,
  purge: purgeRow,
  idle: idleRow,
  bundle: bundleRow,
};

const only = argument('--only');
const chosen = Object.entries(all).filter(([name]) => only === null || only === name);
if (chosen.length === 0) throw new RangeError(`--only takes ${Object.keys(all).join(', ')}`);
const rows: Row[] = [];
for (const [, row] of chosen) rows.push(await row());
await report(rows, argument('--json'));
