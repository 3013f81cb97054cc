/**
 * `npm run abuse [-- --only silent|half-open|returning] [--clients N]`: silent readers, half-open connections, and a crowd
 * that comes back, against a real server process. Ends with 1 when a bound is broken or a part does not end in time.
 * Some three minutes; needs `ulimit -n` of 12,000.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { halfOpen } from './half-open.ts';
import { returningCrowd } from './returning.ts';
import { silentReaders } from './silent.ts';

const { values } = parseArgs({ options: { only: { type: 'string' }, clients: { type: 'string', default: '5000' } } });
const clients = Number(values.clients);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const mib = 1024 * 1024;
const partMsMax = 10 * 60_000;
let broken = 0;
const verdict = (name: string, holds: boolean, line: string): void => {
  if (!holds) broken += 1;
  say(`${holds ? '✓' : '✗'} ${name}: ${line}`);
};

const all = {
  silent: async () => {
    const { grownBytes, boundBytes, settled, wanted } = await silentReaders({
      readers: 200,
      totalBytes: 1_024 * mib,
      say,
    });
    const holds = grownBytes <= boundBytes && settled.entries === wanted;
    verdict(
      'silent',
      holds,
      `grew by ${Math.round(grownBytes / mib)} of at most ${Math.round(boundBytes / mib)} MiB; ${settled.lagged} told that they lag, ${settled.lost} cut off; then ${settled.entries} of ${wanted} entries, each once`,
    );
  },
  'half-open': async () => {
    const { baselineP99Ms, floodP99Ms, ratio, openMin, unheard, bodiesCut } = await halfOpen({
      connections: clients,
      rounds: 5,
      sendsEach: 1_000,
      say,
    });
    // Those that were ended stay away for up to 4 s before they come back.
    const holds = ratio < 2 && openMin >= clients / 2 && unheard > 0 && bodiesCut > 0;
    verdict(
      'half-open',
      holds,
      `p99 of sends ${floodP99Ms.toFixed(1)} ms against ${baselineP99Ms.toFixed(1)} ms, ratio ${ratio.toFixed(2)} (below 2); at least ${openMin} open at once, ${unheard} unheard, ${bodiesCut} bodies cut`,
    );
  },
  returning: async () => {
    const result = await returningCrowd({ people: Math.ceil(clients / 10), sessionsEach: 10, processes: 2, say });
    const entries = result.settled.reduce((sum, settled) => sum + settled.entries, 0);
    verdict(
      'returning',
      result.seconds <= 60 && entries === result.wanted,
      `${result.clients} clients live again after ${result.seconds} s (at most 60); ${entries} of ${result.wanted} entries, each once`,
    );
  },
};
const chosen = Object.entries(all).filter(([name]) => values.only === undefined || values.only === name);
if (chosen.length === 0) throw new RangeError(`--only takes ${Object.keys(all).join(', ')}`);
if (!Number.isInteger(clients) || clients < 1) throw new RangeError('--clients takes a number');
say(
  `load of this machine before: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')}`,
);
for (const [name, run] of chosen) {
  const late = setTimeout(() => {
    say(`✗ ${name}: not over after ${partMsMax / 60_000} minutes`);
    process.exit(1);
  }, partMsMax);
  await run();
  clearTimeout(late);
}
say(
  `load of this machine after: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')}`,
);
process.exit(broken === 0 ? 0 : 1);
