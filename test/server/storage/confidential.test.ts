import { acts } from '../../contract/acts.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LevelStore } from '../../../server/storage/level/store.ts';
import { fromBase64Url } from '#protocol/ids.ts';
import {
  account,
  bytesOf,
  ceremonyOf,
  change,
  conversationOf,
  device,
  deviceOf,
  generationOf,
  invite,
  inviteOf,
  LogWriter,
  messageOf,
  newAccount,
  roster,
  sessionOf,
  startMs,
  userOf,
  welcome,
  welcomeOf,
} from '../../contract/people.ts';
import { LevelFolder } from './level-folder.ts';

const text = new TextEncoder();
const clear = 'Dinner at the blue heron, 19:30, bring the contract';

const name = 'margarethe.weissenfels';
const conversation = 'project-nightingale';

async function fill(store: LevelStore): Promise<void> {
  const person = {
    ...account(name),
    displayName: 'Margarethe Weißenfels',
    passwordHash: '$argon2id$v=19$plausible',
  };
  await store.accounts.create(newAccount(name, null, { account: person }), acts());
  await store.invites.create(invite('nightly'), acts());
  await store.vaults.putItem(userOf(name), 'nickname-list', 0, bytesOf('item'));
  await store.vaults.archive(userOf(name), [
    { conversationId: conversationOf(conversation), epoch: 1, sealed: bytesOf('archived') },
  ]);
  await store.ceremonies.put(ceremonyOf('sign-in'), text.encode('challenge-for-margarethe'), startMs + 60_000);
  const log = new LogWriter(conversation);
  const entries = Array.from({ length: 200 }, () => log.next('message', text.encode(clear)));
  const [first] = entries;
  if (first === undefined) throw new Error('no entry');
  const members = roster([name]);
  const welcomes = [{ deviceId: deviceOf(name), welcome: welcome('hello', conversation, 1) }];
  await store.conversations.create(log.record(members, first), entries, change(members, { welcomes }));
  await store.conversations.markRead(userOf(name), conversationOf(conversation), 7);
}

/** What must not be found, as text and as bytes. */
function secrets(): readonly Uint8Array[] {
  const ids = [
    userOf(name),
    deviceOf(name),
    conversationOf(conversation),
    generationOf(conversation),
    inviteOf('nightly'),
    sessionOf(name),
    ceremonyOf('sign-in'),
    welcomeOf('hello'),
    messageOf(`${conversation} 1`),
    messageOf(`${conversation} 200`),
  ];
  return [
    ...[
      name,
      'margarethe',
      'Weißenfels',
      conversation,
      clear,
      'blue heron',
      'nickname',
      'argon2',
      'challenge-for',
      device(name).label,
      `credential-${name}`,
    ].map((word) => text.encode(word)),
    ...ids.flatMap((id) => {
      const raw = fromBase64Url(id) ?? new Uint8Array(0);
      return [text.encode(id), raw, text.encode(Buffer.from(raw).toString('hex'))];
    }),
    account(name).identityKey,
    ...[
      'token nightly',
      `secret ${name}`,
      'archived',
      `passkey ${name}`,
      `vault ${name}`,
      `package ${name} first`,
      'welcome bytes hello',
      'master key',
    ].map((secret) => bytesOf(secret)),
  ];
}

describe('the data folder', () => {
  let folder: LevelFolder;
  beforeEach(async () => {
    folder = await LevelFolder.make();
  });
  afterEach(() => folder.remove());

  it('[V1] shows no handle, name, id, label, body or key to a reader of its files', async () => {
    const journal = await folder.using(async (store) => {
      await fill(store);
      // Everything is in the write-ahead log now.
      return folder.files();
    });
    // Opening again turned it into a table.
    const whileOpen = await folder.using(async (store) => {
      await store.vaults.putItem(userOf(name), 'nickname-list', 1, bytesOf('item 2'));
      return folder.files();
    });
    const files = [...journal, ...whileOpen, ...(await folder.files()), { path: 'keys', bytes: await folder.keys() }];
    const found = (needle: Uint8Array): readonly string[] =>
      files.filter(({ bytes }) => bytes.includes(Buffer.from(needle))).map(({ path }) => path);

    const needles = secrets();
    for (const needle of needles)
      expect([Buffer.from(needle).toString(), found(needle)]).toEqual([Buffer.from(needle).toString(), []]);
    // The search itself works: names of families are in clear, in the log and in keys (tables leave out shared prefixes).
    expect(found(text.encode('!memberships!'))).toEqual(expect.arrayContaining([expect.stringMatching(/\.log$/), 'keys']));
    expect(whileOpen.some(({ path }) => path.endsWith('.ldb'))).toBe(true);
  });
});
