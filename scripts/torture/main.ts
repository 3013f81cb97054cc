/**
 * `npm run torture [-- --rounds N --seed S --clients N]`. Ends with 1 when anything acknowledged is lost, doubled or out
 * of order.
 */
import { parseArgs } from 'node:util';
import { torture } from './torture.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '4' },
  },
});
const startedMs = performance.now();
const { kills, acknowledged, stored } = await torture({
  rounds: Number(values.rounds),
  seed: values.seed,
  clients: Number(values.clients),
  moreMax: 400,
  say: (line) => process.stdout.write(`torture: ${line}\n`),
});
const seconds = Math.round((performance.now() - startedMs) / 1000);
process.stdout.write(
  `torture: ${kills} kills, ${acknowledged} acknowledged, ${stored} stored, 0 lost, 0 doubled, no gap, seed ${values.seed}, ${seconds} s\n`,
);
