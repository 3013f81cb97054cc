/**
 * [Z2] One byte changes, in each kind of file of a data folder, at places that a seed chooses. Then the start is refused,
 * or the reading, with an error that says what is damaged; or what is read is exactly what was written; or it is less,
 * and `lanying verify` names it. It is never something else, and never nothing at all.
 */
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMasterKey } from '../../../server/config/master-key.ts';
import { CorruptionError } from '../../../server/ports/store.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { act, acts } from '../../contract/acts.ts';
import { appending, fileOf, newFile, readAll } from '../../contract/blobs-contract.ts';
import { firstDay, purge } from '../../contract/erasing.ts';
import {
  bytesOf,
  change,
  conversationOf,
  dayMs,
  deviceOf,
  LogWriter,
  newAccount,
  roster,
  sessionOf,
  startMs,
  userOf,
} from '../../contract/people.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { repeats } from '../../harness/seed.ts';

const much = 10_000_000;
const flipsOfEach = 24 * repeats;

const open = (folder: string): Promise<LevelStore> =>
  openLevelStore({
    folder,
    masterKey: loadMasterKey(folder, null, () => bytesOf('master key')).key,
    runtime: new FakeRuntime('flips', startMs),
  });

async function using<T>(folder: string, work: (store: LevelStore) => Promise<T>): Promise<T> {
  const store = await open(folder);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function purgeAndRegister(store: LevelStore, name: string): Promise<void> {
  const { floor } = await purge(store, name, firstDay + 1);
  const generation = (await store.conversations.load(conversationOf(name)))?.generation;
  if (generation === undefined) throw new Error('no generation');
  await store.purged.add([{ kind: 'floor', conversationId: conversationOf(name), generation, floor }]);
}

async function fill(store: LevelStore): Promise<void> {
  await store.accounts.create(newAccount('ann', null), acts('setup.completed'));
  for (const name of ['team', 'other', 'third']) {
    const log = new LogWriter(name);
    const first = log.next('created');
    await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
    await store.conversations.append(log.conversationId, 1, log.many(12), null);
    log.sentAt += dayMs;
    await store.conversations.append(log.conversationId, 13, log.many(12), null);
  }
  await store.vaults.putItem(userOf('ann'), 'names', 0, bytesOf('item', 300));
  await store.retention.setPolicy(
    { class: 'messages', conversationId: null, days: 30, setBy: userOf('ann'), setAt: startMs },
    acts('policy.changed'),
  );
  await store.audit.append([act(), act('policy.changed')]);
  await store.blobs.create(newFile('a', 200_000), {
    personBytesMax: 1e9,
    totalBytesMax: 1e9,
    personFilesMax: 9,
    personOpenMax: 9,
  });
  const writer = await appending(store.blobs, fileOf('a'), 0);
  await writer.write(bytesOf('content', 200_000));
  await writer.finish();
  await purgeAndRegister(store, 'other');
  await purgeAndRegister(store, 'third');
}

/** Everything that can be read, by what it is. */
const reads: Readonly<Record<string, (store: LevelStore) => Promise<unknown>>> = {
  account: (store) => store.accounts.byId(userOf('ann')),
  handle: (store) => store.accounts.byHandle('ann'),
  people: (store) => store.accounts.list(null, 10),
  session: (store) => store.sessions.byId(sessionOf('ann')),
  device: (store) => store.devices.byId(deviceOf('ann')),
  vault: (store) => store.vaults.get(userOf('ann')),
  item: (store) => store.vaults.item(userOf('ann'), 'names'),
  memberships: (store) => store.conversations.memberships(userOf('ann')),
  ...Object.fromEntries(
    ['team', 'other', 'third'].flatMap((name) => [
      [`${name} record`, (store: LevelStore) => store.conversations.load(conversationOf(name))],
      [`${name} info`, (store: LevelStore) => store.conversations.groupInfo(conversationOf(name))],
      [`${name} forwards`, (store: LevelStore) => store.conversations.readAfter(conversationOf(name), 0, 100, much)],
      [
        `${name} from the middle`,
        (store: LevelStore) => store.conversations.readAfter(conversationOf(name), 17, 100, much),
      ],
      [
        `${name} backwards`,
        (store: LevelStore) => store.conversations.readBefore(conversationOf(name), 100, 100, much),
      ],
    ]),
  ),
  audit: (store) => store.audit.readFrom(0, 100),
  policies: (store) => store.retention.policies(),
  purged: (store) => store.purged.read(),
  floors: (store) => store.erasure.floors(),
  file: (store) =>
    readAll(store.blobs, fileOf('a')).catch((cause: unknown) => {
      // What opening answers for a file whose record is not there.
      if (cause instanceof Error && cause.message === 'not whole') return null;
      throw cause;
    }),
};

/** What it is, or the family that an error names; any other error is none that a person could act upon. */
async function outcomeOf(read: Promise<unknown>): Promise<{ readonly error: string } | { readonly value: unknown }> {
  try {
    return { value: await read };
  } catch (cause) {
    if (cause instanceof CorruptionError) return { error: cause.family };
    throw cause;
  }
}

/** Nothing, fewer of the same, or a log that ends earlier. */
function isLess(found: unknown, written: unknown): boolean {
  if (found === null) return true;
  if (!Array.isArray(found) || !Array.isArray(written)) return endsEarlier(found, written);
  const known = new Set(written.map((each) => JSON.stringify(each)));
  return found.length < written.length && found.every((each) => known.has(JSON.stringify(each)));
}

/** The record of a log whose last entries, or whose mark of the latest title, look missing: nothing else of it differs. */
function endsEarlier(found: unknown, written: unknown): boolean {
  const parse = (value: unknown) =>
    v.safeParse(v.looseObject({ headSequence: v.number(), metaSequence: v.number() }), value);
  const [one, other] = [parse(found), parse(written)];
  if (!one.success || !other.success || one.output.headSequence > other.output.headSequence) return false;
  const { headSequence: _s, headHash: _h, headSentAt: _a, metaSequence: _m, ...rest } = other.output;
  const { headSequence: _s2, headHash: _h2, headSentAt: _a2, metaSequence: _m2, ...same } = one.output;
  return JSON.stringify(same) === JSON.stringify(rest);
}

/** Where each slot of the key file holds a key; the rest of it is filled with what means nothing. */
const keySlots = [0, 4_096].flatMap((slot) => Array.from({ length: 73 }, (_, at) => slot + at));

/** Repeats for a seed: spread over the whole file. */
function places(file: string, length: number): readonly number[] {
  if (file === 'keys/kek') return keySlots;
  const seed = `${process.env['LANYING_TEST_SEED'] ?? 1} ${file.replace(/\d+/, '')}`;
  const random = new FakeRuntime(seed);
  const step = length / flipsOfEach;
  if (step <= 1) return Array.from({ length }, (_, at) => at);
  return Array.from({ length: flipsOfEach }, (_, at) =>
    Math.floor(at * step + ((random.random(1)[0] ?? 0) / 256) * step),
  );
}

describe('[Z2] a flipped byte', () => {
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  let made = '';
  let files: readonly string[] = [];
  const written = new Map<string, unknown>();
  let copies = 0;
  beforeAll(async () => {
    home = await temporaryFolder();
    made = join(home.path, 'made');
    await using(made, fill);
    await writeFile(join(made, 'store-reserve'), new Uint8Array(4_096));
    // The second opening writes the log out as a table; what comes then is in a log.
    await using(made, async (store) => {
      await store.vaults.putItem(userOf('ann'), 'late', 0, bytesOf('late', 300));
      for (const [name, read] of Object.entries(reads)) written.set(name, await read(store));
    });
    const entries = await readdir(made, { recursive: true, withFileTypes: true });
    files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(made, join(entry.parentPath, entry.name)));
  });
  afterAll(() => home.remove());

  async function flipped(file: string, at: number): Promise<string> {
    copies += 1;
    const folder = join(home.path, `copy ${copies}`);
    await cp(made, folder, { recursive: true });
    const bytes = await readFile(join(folder, file));
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
    await writeFile(join(folder, file), bytes);
    return folder;
  }

  async function verified(file: string, at: number): Promise<readonly string[]> {
    const folder = await flipped(file, at);
    const { key } = loadMasterKey(folder, null, () => bytesOf('master key'));
    const outcome = await outcomeOf(
      verifyStore({ folder, masterKey: key, runtime: new FakeRuntime('verify', startMs) }).then(({ faults }) =>
        faults.map(({ family }) => family),
      ),
    );
    return 'error' in outcome ? [outcome.error] : Array.isArray(outcome.value) ? outcome.value : [];
  }

  /** `refused`, `error`, `same` or `less`, with what named it. */
  async function tried(file: string, at: number): Promise<string> {
    const folder = await flipped(file, at);
    const opened = await outcomeOf(open(folder));
    if ('error' in opened) return `refused ${opened.error}`;
    const store = opened.value as LevelStore;
    const errors = new Set<string>();
    let less = false;
    try {
      for (const [name, read] of Object.entries(reads)) {
        const outcome = await outcomeOf(read(store));
        if ('error' in outcome) errors.add(outcome.error);
        else if (JSON.stringify(outcome.value) !== JSON.stringify(written.get(name))) {
          expect({ file, at, name, is: isLess(outcome.value, written.get(name)) ? 'less' : outcome.value }).toEqual({
            file,
            at,
            name,
            is: 'less',
          });
          less = true;
        }
      }
    } finally {
      await store.close();
    }
    if (errors.size > 0) return `error ${[...errors].toSorted().join(' ')}`;
    if (!less) return 'same';
    const named = await verified(file, at);
    expect({ file, at, named: named.length > 0 }).toEqual({ file, at, named: true });
    return `less ${named.join(' ')}`;
  }

  /** Kind of file, which one it is, and what may come of it: every outcome must match, and each of `must` at least once. */
  const kinds: readonly (readonly [string, RegExp, RegExp, readonly RegExp[]])[] = [
    ['table', /^store\/\d+\.ldb$/, /^(refused|error|same|less)/, [/^(error|refused)/]],
    ['log', /^store\/\d+\.log$/, /^refused store$/, [/refused/]],
    ['MANIFEST', /^store\/MANIFEST/, /^refused store$/, [/refused/]],
    ['CURRENT', /^store\/CURRENT$/, /^refused store$/, [/refused/]],
    ['notes of LevelDB', /^store\/LOG(\.old)?$/, /^same$/, []],
    ['key-encryption key', /^keys\/kek$/, /^(refused keys|same)$/, [/refused keys/]],
    ['master key', /^master\.key$/, /^refused keys$/, [/refused/]],
    ['witness', /^store-witness$/, /^refused witness$/, [/refused/]],
    ['mark that it was made', /^store-made$/, /^same$/, []],
    ['reserve', /^store-reserve$/, /^same$/, []],
    ['register of purges', /^purged$/, /^error purged$/, [/error/]],
    ['files', /^files\//, /^(error files|same)$/, [/error files/]],
    ['lock', /^lock\//, /^same$/, []],
  ];

  it.each(kinds)('in a file of kind: %s', { timeout: 120_000 }, async (_kind, which, allowed, must) => {
    const chosen = files.filter((file) => which.test(file));
    const seen = new Map<string, string>();
    let looked = 0;
    for (const file of chosen) {
      const { size } = await stat(join(made, file));
      for (const at of places(file, size)) {
        looked += 1;
        const outcome = await tried(file, at);
        seen.set(outcome, `${file} at ${at} of ${size}`);
      }
    }
    if (process.env['LANYING_TEST_TELL'] !== undefined)
      process.stderr.write(
        `${_kind}: ${looked} flips: ${[...seen].map(([what, where]) => `${what} (${where})`).join('; ')}\n`,
      );
    expect(chosen).not.toEqual([]);
    expect([...seen].filter(([outcome]) => !allowed.test(outcome))).toEqual([]);
    for (const each of must) expect([...seen.keys()].join('\n')).toMatch(each);
  });

  it('is tried in every file there is', () => {
    expect(files.filter((file) => !kinds.some(([, which]) => which.test(file)) && file !== 'store/LOCK')).toEqual([]);
  });
});
