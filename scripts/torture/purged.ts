/**
 * Fills a server on a volume whose power can be cut, purges (what `lanying purge` does, some days later), cuts the power
 * in the middle of one purge and right behind the last, and searches the data folder and every byte of the image for
 * what was purged: its sealed records, its files, its keys, and the key-encryption key that all were wrapped under.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConversationId } from '../../server/protocol/ids.ts';
import { FileClient } from '../../test/harness/files.ts';
import { laterPurge } from '../../test/harness/later-purge.ts';
import type { MountOption } from '../../test/harness/loop-volume.ts';
import { createConversation, type RawAccount, RawSocket } from '../../test/harness/raw-client.ts';
import { type Inventory, inventoryOf, samplesOf, searchFolder, searchImage } from '../../test/harness/raw-search.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { Draw } from './draw.ts';
import { People, type Sdk } from './people.ts';
import { PowerCut } from './plug.ts';
import { begin, readLog, sendWhile } from './raw-log.ts';
import { answered, invite, serve, setupToken } from './served.ts';

export interface PurgeOptions {
  readonly option: MountOption;
  readonly seed: string;
  readonly mebibytes: number;
  readonly built: boolean;
  readonly sdk: Sdk;
  /** Messages in each of two conversations, and files of up to 1 MiB. */
  readonly messages: number;
  readonly files: number;
}

/** What was purged, and for comparison what stays. */
const names = [
  'records',
  'data keys',
  'older wraps of other data keys',
  'file keys',
  'file content',
  'key-encryption key',
  'what stays',
] as const;
type Name = (typeof names)[number];
type Hits = ReadonlyMap<Name, number>;

export interface PurgeResult {
  readonly looked: Hits;
  readonly folder: Hits;
  /** Behind the power cut. */
  readonly image: Hits;
  /** Behind fstrim. */
  readonly trimmed: Hits;
}

const laterDays = 5;
const kekSlotBytes = 4096;
const sealedKekBytes = 61;
const sealedHeaderBytes = 61;
const headerBytes = 512;
const families = ['log', 'mail', 'mail-bytes', 'archive'];

/** Rejects when something purged is left in the data folder, or a key-encryption key of before in the image. */
export async function searchAfterPurge(options: PurgeOptions): Promise<PurgeResult> {
  const plug = new PowerCut(options.mebibytes, options.option);
  try {
    const folder = join(plug.folder, 'data');
    await fill(folder, options);
    const before = await inventoryOf(folder);
    // While the first one runs, somewhere behind its opening of the store.
    await purge(folder, new Draw(options.seed).next(1_200), plug);
    await purge(folder, null, plug);
    await plug.volume.cut();
    plug.volume.restore();
    const after = await inventoryOf(folder);
    const samples = samplesFor(before, after);
    const found = {
      looked: new Map(names.map((name) => [name, samples[name].length])),
      folder: searchFolder(folder, names, samples),
      image: await searchImage(plug.volume, names, samples),
    };
    plug.volume.trim();
    const result = { ...found, trimmed: await searchImage(plug.volume, names, samples) };
    check(result);
    return result;
  } finally {
    plug.remove();
  }
}

/** Two conversations and their files, one of which a rule keeps; people with the SDK, whose conversation is purged too. */
async function fill(folder: string, { built, sdk, messages, files, seed }: PurgeOptions): Promise<void> {
  const origin = `http://localhost:${await freePort()}`;
  const server = serve(origin, folder, built);
  await server.serving();
  const devices = mkdtempSync(join(tmpdir(), 'lanying-purged-devices-'));
  try {
    const { account, conversationId: purged } = await begin(origin, setupToken);
    const socket = await RawSocket.open(origin, account.cookie);
    const { conversationId: kept } = await createConversation(socket, account);
    const draw = new Draw(seed);
    for (const conversationId of [purged, kept]) {
      await say(origin, account, conversationId, messages);
      const client = new FileClient(origin, account.cookie);
      for (let at = 0; at < files; at += 1) {
        const bytes = draw.of(`${conversationId} ${at}`).bytes(1 + draw.next(1_048_576));
        await client.upload(conversationId, bytes);
      }
    }
    await talk(socket, origin, sdk, devices);
    for (const retained of ['messages', 'files'])
      for (const [conversationId, days] of [
        [null, 1],
        [kept, null],
      ] as const)
        await answered(socket, 'retention.set', { class: retained, conversationId, days });
    await socket.close();
    const code = await server.stop();
    if (code !== 0) throw new Error(`the server ended with ${code}: ${server.log}`);
  } finally {
    await server.kill();
    rmSync(devices, { recursive: true, force: true });
  }
}

async function say(origin: string, account: RawAccount, conversationId: ConversationId, count: number): Promise<void> {
  const shown = await readLog(origin, account.cookie, conversationId);
  const acknowledged = new Map<string, number>();
  const socket = await RawSocket.open(origin, account.cookie);
  await sendWhile(() => acknowledged.size < count, socket, { conversationId, shown, acknowledged });
  await socket.close();
}

async function talk(socket: RawSocket, origin: string, sdk: Sdk, devices: string): Promise<void> {
  const people = await People.gather(sdk, origin, await invite(socket, 2), devices);
  await people.talk(10, 20);
  await people.close();
}

/** `cutAfterMs`: behind its beginning; null: to its end. */
async function purge(folder: string, cutAfterMs: number | null, plug: PowerCut): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', laterPurge, folder, String(laterDays)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'close');
  const begun = new Promise<void>((resolve_) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      resolve_();
    });
    void ended.then(() => resolve_());
  });
  if (cutAfterMs === null) {
    await ended;
    if (child.exitCode !== 0) throw new Error(`the purge ended with ${child.exitCode}: ${log}`);
    return;
  }
  await begun;
  await new Promise((resolve_) => setTimeout(resolve_, cutAfterMs));
  await plug.volume.cut();
  child.kill('SIGKILL');
  await ended;
  plug.volume.restore();
}

const familyOf = (key: string): string => Buffer.from(key, 'hex').toString('latin1').split('!')[1] ?? '';

function samplesFor(before: Inventory, after: Inventory): Readonly<Record<Name, readonly Uint8Array[]>> {
  const entries = [...before.records].map(([key, value]) => ({ key, value, family: familyOf(key) }));
  const gone = entries.filter(({ key }) => !after.records.has(key));
  const ofFamily = (from: typeof entries, wanted: readonly string[]) =>
    from.filter(({ family }) => wanted.includes(family)).flatMap(({ value }) => samplesOf(value));
  const goneFiles = [...before.files].filter(([name]) => !after.files.has(name)).map(([, bytes]) => bytes);
  const keptFiles = [...after.files.values()].flatMap((bytes) => samplesOf(bytes.subarray(headerBytes)));
  const stays = entries.filter(({ key }) => after.records.has(key));
  return {
    records: ofFamily(gone, families),
    'data keys': ofFamily(gone, ['data-keys']),
    'older wraps of other data keys': ofFamily(stays, ['data-keys']),
    'file keys': goneFiles.flatMap((bytes) => samplesOf(bytes.subarray(0, sealedHeaderBytes))),
    'file content': goneFiles.flatMap((bytes) => samplesOf(bytes.subarray(headerBytes - 1))),
    'key-encryption key': [0, kekSlotBytes].flatMap((at) =>
      samplesOf(before.kek.subarray(at + 12, at + 12 + sealedKekBytes)),
    ),
    'what stays': [...ofFamily(stays, families), ...keptFiles],
  };
}

const of = (hits: Hits, name: Name): number => hits.get(name) ?? 0;

function check({ looked, folder, image, trimmed }: PurgeResult): void {
  for (const name of names) if (of(looked, name) === 0) throw new Error(`nothing to look for: ${name}`);
  // The search finds what is there.
  for (const hits of [folder, image, trimmed])
    if (of(hits, 'what stays') < of(looked, 'what stays') * 0.99)
      throw new Error(`what stays is not found: ${of(hits, 'what stays')} of ${of(looked, 'what stays')}`);
  const gone = names.filter((name) => name !== 'what stays' && name !== 'older wraps of other data keys');
  for (const name of gone) {
    if (of(folder, name) > 0) throw new Error(`${of(folder, name)} of ${name} are in the data folder after a purge`);
    if (of(trimmed, name) > 0) throw new Error(`${of(trimmed, name)} of ${name} are in the image after fstrim`);
  }
  for (const name of ['key-encryption key', 'file keys'] as const)
    if (of(image, name) > 0) throw new Error(`${of(image, name)} of ${name} are in the image after a purge`);
}

/** One line for each kind. */
export function told({ looked, folder, image, trimmed }: PurgeResult): readonly string[] {
  return names.map(
    (name) =>
      `${name}: ${of(looked, name)} looked for; found in the folder ${of(folder, name)}, in the image ${of(image, name)}, after fstrim ${of(trimmed, name)}`,
  );
}
