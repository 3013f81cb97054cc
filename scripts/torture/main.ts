/** `npm run torture -- --help` says what it does and what it takes. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { whyNoPowerCuts } from '../../test/harness/loop-volume.ts';
import type { Sdk } from './people.ts';
import { Kill, type Plug, PowerCut } from './plug.ts';
import { searchAfterPurge, told } from './purged.ts';
import { torture, type TortureResult } from './torture.ts';

const help = `npm run torture [-- options]

Runs the built appliance and the built SDK (npm run build first), ends it under load, starts it again, and compares what
it shows with what it had acknowledged: bare senders, people with the SDK, uploads. One start in four is ended too, and
so are first starts in new folders. Ends with 0 when nothing is lost, torn, doubled or out of order and it opened every
time; with 1 and a reason otherwise; with 77 when nothing of what was asked for can run here.

  --mode kill|power|purge|all   kill: kill -9. power: power cuts (ext4 in an image on a loop device, EXT4_IOC_SHUTDOWN
                           without a log flush, kill, unmount, mount). purge: purges on such a volume, a power cut
                           behind and one in the middle, and searches the data folder and the raw image for what was
                           purged and its keys. Default all
  --rounds N               ends of each kind, 1 to 10000. Default 100
  --seed S                 decides sizes, moments and which starts are ended. Default 1
  --clients N              bare sockets that send at once, 0 to 32. Default 4
  --people N               people with the SDK, 2 to 16. Default 4
  --texts N                texts that each of them says in a round, even. Default 20
  --volume MIB             size of the image, at least 256. Default 1024

power and purge need Linux, root, loop devices, mkfs.ext4 and perl; where they are missing they are skipped, said aloud.
`;

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'all' },
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '4' },
    people: { type: 'string', default: '4' },
    texts: { type: 'string', default: '20' },
    volume: { type: 'string', default: '1024' },
    help: { type: 'boolean', default: false },
  },
});

function number(name: 'rounds' | 'clients' | 'people' | 'texts' | 'volume', min: number, max: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`--${name} takes a number from ${min} to ${max}`);
}

const print = (line: string): void => void process.stdout.write(`torture: ${line}\n`);
const root = resolve(import.meta.dirname, '../..');

function summary(mode: string, result: TortureResult, seconds: number): string {
  const { rounds, startsEnded, acknowledged, stored, delivered, timelines, uploads, verified } = result;
  return [
    `${mode}: ${rounds} rounds and ${startsEnded} starts ended, ${acknowledged} entries acknowledged, ${stored} stored;`,
    `${delivered} messages between people, ${timelines} equal timelines;`,
    `${uploads.whole} files whole (${Math.round(uploads.bytes / 1_048_576)} MiB), ${uploads.resumed} uploads resumed;`,
    `0 lost, 0 torn, 0 doubled, no gap, opened every time, verified ${verified} times, seed ${values.seed}, ${seconds} s`,
  ].join(' ');
}

const builtSdk = (): Promise<Sdk> => import(pathToFileURL(join(root, 'dist/sdk/index.js')).href);

async function tortured(mode: 'kill' | 'power', plug: () => Plug): Promise<void> {
  const sdk = await builtSdk();
  const startedMs = performance.now();
  const result = await torture({
    rounds: number('rounds', 1, 10_000),
    seed: values.seed,
    clients: number('clients', 0, 32),
    people: number('people', 2, 16),
    texts: number('texts', 2, 1_000),
    moreMax: 400,
    firstStarts: Math.ceil(number('rounds', 1, 10_000) / 10),
    built: true,
    sdk,
    plug: plug(),
    say: (line) => print(`${mode} ${line}`),
  });
  print(summary(mode, result, Math.round((performance.now() - startedMs) / 1000)));
}

async function purges(): Promise<void> {
  const sdk = await builtSdk();
  const size = { mebibytes: 256, messages: 1_000, files: 10 };
  for (const option of ['plain', 'discard'] as const) {
    const result = await searchAfterPurge({ option, ...size, seed: values.seed, built: true, sdk });
    for (const line of told(result)) print(`purge, mounted ${option}, ${line}`);
  }
}

async function main(): Promise<number> {
  const { mode } = values;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  if (!['kill', 'power', 'purge', 'all'].includes(mode)) throw new RangeError('--mode takes kill, power, purge or all');
  if (!existsSync(join(root, 'dist/server/main.js'))) throw new Error('nothing is built: npm run build');
  const reason = mode === 'kill' ? null : await whyNoPowerCuts();
  if (reason !== null) print(`SKIPPED power and purge: no power can be cut here (${reason})`);
  if (reason !== null && mode !== 'all') return 77;
  const mebibytes = number('volume', 256, 1_048_576);
  if (mode === 'kill' || mode === 'all') await tortured('kill', () => new Kill());
  if (reason === null && mode !== 'kill' && mode !== 'purge')
    await tortured('power', () => new PowerCut(mebibytes, 'plain'));
  if (reason === null && (mode === 'purge' || mode === 'all')) await purges();
  return 0;
}

const code = await main().catch((cause: unknown) => {
  print(`FAILED: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`);
  return 1;
});
// People whose server is gone for good would try for ever to come back.
process.exit(code);
