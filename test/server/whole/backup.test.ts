/** Backups of a running server, and what is left of it when one is put back. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import { runBackup } from '../../../server/storage/backup/scheduled.ts';
import { newIdentity, seal } from '../../../server/storage/backup/sealing.ts';
import { ChildServer } from '../../harness/child-server.ts';
import { TestSocket } from '../../harness/door.ts';
import { FileClient } from '../../harness/files.ts';
import { freePort } from '../../harness/free-port.ts';
import { postTo } from '../../harness/server.ts';
import { headOf, okay, type Peer, talk } from '../commands/world.ts';
import { answerOf, Served } from './served.ts';

const root = resolve(import.meta.dirname, '../../..');
const cli = [process.execPath, '--import', 'tsx', join(root, 'scripts', 'cli', 'main.ts')];
const setupToken = 'setup-token-of-the-backed-up-0123456789';
const hasAge = spawnSync('age', ['--version']).status === 0;

let folder: string;
let child: ChildServer | null = null;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-backup-'));
});
afterEach(async () => {
  await child?.kill();
  child = null;
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

async function lanying(words: readonly string[], { data = 'data', input, environment = {} }: { readonly data?: string; readonly input?: Uint8Array; readonly environment?: Readonly<Record<string, string>> } = {}): Promise<Ran> {
  const [program = '', ...first] = cli;
  const running = spawn(program, [...first, ...words], { cwd: root, env: { ...process.env, LANYING_DATA: at(data), LC_ALL: 'C', ...environment } });
  const out: Buffer[] = [];
  let err = '';
  running.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  running.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  running.stdin.on('error', () => undefined);
  running.stdin.end(input);
  const [code] = await once(running, 'close');
  return { code: typeof code === 'number' ? code : null, out: Buffer.concat(out), err };
}

async function keyFile(): Promise<string> {
  const { code, out } = await lanying(['backup', 'key', '--identity', at('identity')]);
  expect(code).toBe(0);
  return out.toString().trim();
}

const serve = async (origin: string, data = 'data'): Promise<void> => {
  child = await ChildServer.start({ origin, dataFolder: at(data), setupToken });
};

interface Town {
  readonly origin: string;
  readonly world: Served;
  readonly owner: Peer;
  readonly guest: Peer;
  readonly conversationId: ConversationId;
}

async function settled(): Promise<Town> {
  const origin = `http://localhost:${await freePort()}`;
  await serve(origin);
  const world = new Served({ setupToken, post: (command, input, cookie = null) => postTo(origin, command, input, cookie) });
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const { conversationId } = await talk(world, owner, [guest]);
  return { origin, world, owner, guest, conversationId };
}

async function said({ owner, conversationId }: Town, words: string): Promise<string> {
  const message = owner.message(1, await headOf(owner, conversationId), words);
  return String(okay(await owner.call('conversation.send', { conversationId, kind: 'message', message })).receipt.id);
}

async function uploaded({ origin, world, owner, conversationId }: Town, bytes: Buffer): Promise<string> {
  const client = new FileClient(origin, world.cookie(owner));
  const { headers } = await client.create(conversationId, bytes.length);
  const path = String(headers.location);
  expect((await client.append(path, 0, bytes)).status).toBe(204);
  return path;
}

const idsIn = async ({ guest, conversationId }: Town): Promise<readonly string[]> =>
  okay(await guest.call('log.read', { conversationId, after: 0 })).page.entries.map(({ id }) => String(id));

const sheetIn = (place: string): { readonly archive: { readonly name: string }; readonly files: readonly { readonly kept: string }[] } => {
  const names = readdirSync(at(place)).filter((name) => name.endsWith('.json')).toSorted();
  return JSON.parse(readFileSync(join(at(place), names.at(-1) ?? ''), 'utf8'));
};

describe('a backup of a running server', () => {
  test('[Z7] put back elsewhere after kill -9 has everything that was acknowledged before it: people, sessions, messages, files', { timeout: 180_000 }, async () => {
    const recipient = await keyFile();
    const town = await settled();
    const file = randomBytes(600_000);
    const path = await uploaded(town, file);
    const open = await new FileClient(town.origin, town.world.cookie(town.owner)).create(town.conversationId, 500_000);
    await new FileClient(town.origin, town.world.cookie(town.owner)).append(String(open.headers.location), 0, file.subarray(0, 100_000));
    const before = [await said(town, 'one'), await said(town, 'two')];
    const socket = await TestSocket.open(`${town.origin.replace('http', 'ws')}/api/v1/socket`, { cookie: town.world.cookie(town.owner), origin: town.origin });
    const goOn = { on: true };
    const sending = (async () => {
      while (goOn.on) {
        const message = town.owner.message(1, await headOf(town.owner, town.conversationId), 'meanwhile');
        answerOf('conversation.send', await socket.call('conversation.send', { conversationId: town.conversationId, kind: 'message', message }));
      }
    })();
    const made = await lanying(['backup', '--to', at('kept'), '--recipient', recipient, '--json']);
    goOn.on = false;
    await sending;
    expect([made.code, made.err]).toEqual([0, '']);
    expect(JSON.parse(made.out.toString())).toMatchObject({ newFiles: 2 });
    const after = await said(town, 'after the backup');
    await child?.kill();

    const put = await lanying(['restore', '--from', at('kept'), '--identity', at('identity')], { data: 'elsewhere' });
    expect([put.code, put.err]).toEqual([0, '']);
    await serve(town.origin, 'elsewhere');
    const ids = await idsIn(town);
    expect(before.filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids).not.toContain(after);
    const bob = new FileClient(town.origin, town.world.cookie(town.guest));
    expect(Buffer.compare((await bob.download(path)).body, file)).toBe(0);
    // An upload that was under way begins anew.
    expect((await new FileClient(town.origin, town.world.cookie(town.owner)).call('HEAD', String(open.headers.location))).status).toBe(404);
    const { entries } = okay(await town.owner.call('audit.list', { limit: 50 }));
    expect(entries.map(({ act }) => act)).toContain('backup.restored');
    await said(town, 'life goes on');
  });

  test('[Z8] seals a file once, keeps as many backups as it is told, and takes away what only older ones had', { timeout: 180_000 }, async () => {
    const recipient = await keyFile();
    const town = await settled();
    await uploaded(town, randomBytes(50_000));
    const places = { to: at('kept'), recipients: [recipient], keep: 2 };
    process.env['LANYING_DATA'] = at('data');
    try {
      expect(await runBackup(cli, places)).toBe(1);
      await uploaded(town, randomBytes(60_000));
      const again = await lanying(['backup', '--to', at('kept'), '--recipient', recipient, '--json']);
      expect(JSON.parse(again.out.toString())).toMatchObject({ files: 2, newFiles: 1 });
      expect(await runBackup(cli, places)).toBe(2);
      expect(readdirSync(at('kept')).filter((name) => name.endsWith('.tar.age')).length).toBe(2);
      expect(readdirSync(join(at('kept'), 'files')).length).toBe(2);
      await expect(runBackup(cli, { ...places, to: join(at('identity'), 'no-folder') })).rejects.toThrow('cannot be read');
    } finally {
      delete process.env['LANYING_DATA'];
    }
    const { entries } = okay(await town.owner.call('audit.list', { act: 'backup.made', limit: 50 }));
    expect(entries.length).toBe(3);
    const told = await (await fetch(`${town.origin}/metrics`)).text();
    expect(told).toMatch(/lanying_backup_last_timestamp_seconds 1\.\d+e\+9|lanying_backup_last_timestamp_seconds \d{10}/);
  });

  test.skipIf(!hasAge)('[Z7] as one stream opens with plain age and tar, and with restore', { timeout: 120_000 }, async () => {
    const recipient = await keyFile();
    const town = await settled();
    const file = randomBytes(70_000);
    const path = await uploaded(town, file);
    const { code, out } = await lanying(['backup', '--to', '-', '--recipient', recipient]);
    expect(code).toBe(0);
    writeFileSync(at('all.tar.age'), out);
    const plain = spawnSync('age', ['--decrypt', '--identity', at('identity'), at('all.tar.age')], { maxBuffer: 1 << 28 });
    expect(plain.status).toBe(0);
    mkdirSync(at('plain'));
    expect(spawnSync('tar', ['-x', '-C', at('plain')], { input: plain.stdout }).status).toBe(0);
    expect(readdirSync(at('plain')).toSorted()).toEqual(['files', 'keys', 'lanying.json', 'master.key', 'store', 'store-made', 'store-witness']);
    await child?.kill();
    const put = await lanying(['restore', '--from', '-', '--identity', at('identity')], { data: 'elsewhere', input: out });
    expect([put.code, put.err]).toEqual([0, '']);
    await serve(town.origin, 'elsewhere');
    expect(createHash('sha256').update((await new FileClient(town.origin, town.world.cookie(town.guest)).download(path)).body).digest('hex')).toBe(createHash('sha256').update(file).digest('hex'));
  });
});

describe('a restore', () => {
  test('[Z9] of anything but a whole backup of ours leaves the folder as it was, and says why', { timeout: 240_000 }, async () => {
    const recipient = await keyFile();
    const town = await settled();
    await uploaded(town, randomBytes(40_000));
    expect((await lanying(['backup', '--to', at('kept'), '--recipient', recipient])).code).toBe(0);
    await child?.stop();
    const { archive, files } = sheetIn('kept');
    const attempt = async (spoil: (place: string) => void | Promise<void>, identity = 'identity'): Promise<string> => {
      rmSync(at('spoilt'), { recursive: true, force: true });
      cpSync(at('kept'), at('spoilt'), { recursive: true });
      await spoil(at('spoilt'));
      const { code, err } = await lanying(['restore', '--from', at('spoilt'), '--identity', at(identity)], { data: 'elsewhere' });
      expect(code).not.toBe(0);
      expect(readdirSync(at('elsewhere')).filter((name) => name !== 'lock')).toEqual([]);
      return err;
    };
    const flip = (path: string, place: number): void => {
      const bytes = readFileSync(path);
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    };
    expect(await attempt((place) => flip(join(place, archive.name), 5_000))).toContain('damaged');
    expect(await attempt((place) => writeFileSync(join(place, archive.name), readFileSync(join(place, archive.name)).subarray(0, 20_000)))).toMatch(/damaged|as it was written/);
    expect(await attempt((place) => flip(join(place, 'files', files[0]?.kept ?? ''), 400))).toContain('damaged');
    expect(await attempt((place) => rmSync(join(place, 'files', files[0]?.kept ?? '')))).toContain('not in the backup');
    expect(await attempt((place) => rmSync(place, { recursive: true, force: true }))).toContain('no such folder');
    const { identity: other, recipient: others } = await newIdentity();
    writeFileSync(at('other'), `${other}\n`);
    expect(await attempt(() => undefined, 'other')).toContain('not sealed for this identity');
    // Whoever knows the recipient can seal something; it is not a backup for that.
    const foreign = async (): Promise<Uint8Array> => {
      writeFileSync(at('evil'), 'x');
      const chunks: Uint8Array[] = [];
      for await (const chunk of seal(create({ cwd: folder, portable: true }, ['evil']), [others])) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    const evil = await lanying(['restore', '--from', '-', '--identity', at('other')], { data: 'elsewhere', input: await foreign() });
    expect([evil.code, evil.err.trim()]).toEqual([1, 'the archive holds what no backup of lanying holds']);
    expect(readdirSync(at('elsewhere')).filter((name) => name !== 'lock')).toEqual([]);
    const full = await lanying(['restore', '--from', at('kept'), '--identity', at('identity')]);
    expect([full.code, full.err.includes('not empty')]).toEqual([1, true]);
    // With a master key of its own the folder opens nobody else's.
    mkdirSync(at('keyed'));
    writeFileSync(at('key'), randomBytes(32));
    const keyed = await lanying(['restore', '--from', at('kept'), '--identity', at('identity')], { data: 'keyed', environment: { LANYING_MASTER_KEY_FILE: at('key') } });
    expect([keyed.code, keyed.err.includes('Nothing was restored')]).toEqual([1, true]);
  });

  test('[Z9] that was killed keeps a server from starting empty in its place, and can be begun anew', { timeout: 180_000 }, async () => {
    const recipient = await keyFile();
    const town = await settled();
    const id = await said(town, 'kept');
    expect((await lanying(['backup', '--to', at('kept'), '--recipient', recipient])).code).toBe(0);
    await child?.stop();
    mkdirSync(join(at('elsewhere'), 'restoring', 'store'), { recursive: true, mode: 0o700 });
    const early = new ChildServer({ origin: town.origin, dataFolder: at('elsewhere'), setupToken });
    expect(await early.ended).not.toBe(0);
    expect(early.log).toContain('A restore into this folder was not finished');
    expect((await lanying(['restore', '--from', at('kept'), '--identity', at('identity')], { data: 'elsewhere' })).code).toBe(0);
    expect(existsSync(join(at('elsewhere'), 'restoring'))).toBe(false);
    await serve(town.origin, 'elsewhere');
    expect(await idsIn(town)).toContain(id);
  });
});

test('[Z10] the operator’s socket answers nobody who talks nonsense, and the server goes on', { timeout: 60_000 }, async () => {
  const town = await settled();
  const path = join(at('data'), 'control.sock');
  for (const words of ['nonsense\n', '{"ask":"everything"}\n', 'x'.repeat(20_000), '{"made":{"name":"../../x","takenAt":0,"bytes":0,"files":0}}\n', '\n'.repeat(100)]) {
    const socket = connect(path);
    socket.on('error', () => undefined);
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await once(socket, 'connect');
    socket.write(words);
    await once(socket, 'close');
    expect(heard).toBe('');
  }
  // Whoever holds the checkpoint and goes lets go of it.
  const first = connect(path);
  first.write('{"ask":"checkpoint"}\n');
  const [answer] = await once(first, 'data');
  expect(String(answer)).toContain('"checkpoint"');
  const second = connect(path);
  second.write('{"ask":"checkpoint"}\n');
  const [refusal] = await once(second, 'data');
  expect(String(refusal)).toBe('{"refused":"busy"}\n');
  second.destroy();
  first.destroy();
  await expect.poll(() => existsSync(join(at('data'), 'checkpoint')), { timeout: 10_000 }).toBe(false);
  expect(await said(town, 'on and on')).not.toBe('');
});
