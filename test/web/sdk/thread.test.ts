/** The thread through the whole house, over a real server: set up, invite, talk, restart, second device. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, LanyingError, register, setup, signIn } from '../../../web/sdk/index.ts';
import { makeOwner, makePerson, once, passwordOf, sees, textArrives, texts } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let folder: string;
const clients: Client[] = [];
const kept = async (client: Promise<Client>): Promise<Client> => {
  const made = await client;
  clients.push(made);
  return made;
};
const refusal = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
  } catch (cause) {
    if (cause instanceof LanyingError) return cause.code;
    throw cause;
  }
  return 'no refusal';
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-sdk-'));
  server = await startServer();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('the SDK against a whole server', () => {
  it('sets up, invites, makes a conversation with a title, and talks both ways', async () => {
    const ada = await kept(makeOwner(server, 'ada'));
    expect(ada.me).toMatchObject({ handle: 'ada', displayName: 'Ada', role: 'owner' });
    expect(ada.recoveryCode).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){6}$/);
    expect(ada.spareRecoveryCode).not.toBe(ada.recoveryCode);
    const bob = await kept(makePerson(server, ada, 'bob'));
    expect(bob.me.role).toBe('member');

    const talk = await ada.conversations.create({ title: 'Plans', members: ['bob'] });
    expect(talk.title).toBe('Plans');
    expect([...talk.members].sort()).toEqual(['ada', 'bob']);
    const atBob = await sees(bob, talk.id, ({ title }) => title === 'Plans');
    expect([...atBob.members].sort()).toEqual(['ada', 'bob']);

    const heard = textArrives(bob, 'hello Bob');
    const sent = await talk.send({ text: 'hello Bob' });
    const { message } = await heard;
    expect(message).toMatchObject({ id: sent.id, sequence: sent.sequence, from: 'ada', text: 'hello Bob' });

    const answered = textArrives(ada, '你好 👋');
    await atBob.send({ text: '你好 👋' });
    await answered;
    expect(await texts(talk)).toEqual(['hello Bob', '你好 👋']);
    expect(await texts(atBob)).toEqual(['hello Bob', '你好 👋']);
  });

  it('[C7] [C10] adds somebody who reads from there on, removes them, and lets somebody leave', async () => {
    const ada = await kept(makeOwner(server, 'ada'));
    const [bob, cem] = await Promise.all([kept(makePerson(server, ada, 'bob')), kept(makePerson(server, ada, 'cem'))]);
    const talk = await ada.conversations.create({ title: 'Plans', members: ['bob'] });
    await talk.send({ text: 'before Cem' });
    await talk.add('cem');
    const atCem = await sees(cem, talk.id, ({ title }) => title === 'Plans');
    const heard = textArrives(cem, 'with Cem');
    await talk.send({ text: 'with Cem' });
    await heard;
    expect(await texts(atCem)).toEqual(['with Cem']);

    const atBob = await sees(bob, talk.id, ({ members }) => members.length === 3);
    expect(await refusal(atBob.remove('cem'))).not.toBe('no refusal');
    const gone = sees(cem, talk.id, ({ active }) => !active);
    await talk.remove('cem');
    await gone;
    expect(await refusal(atCem.send({ text: 'still here?' }))).toBe('conversation.left');
    await talk.send({ text: 'without Cem' });
    expect(await texts(atCem)).toEqual(['with Cem']);

    await atBob.leave();
    expect(atBob.active).toBe(false);
    expect(await refusal(atBob.send({ text: 'me too?' }))).toBe('conversation.left');
    await talk.send({ text: 'alone' });
    expect([...talk.members]).toEqual(['ada']);
    expect(await texts(talk)).toEqual(['before Cem', 'with Cem', 'without Cem', 'alone']);
  });

  it('[E7] [E12] waits through a restart of the server and sends once', async () => {
    const ada = await kept(makeOwner(server, 'ada'));
    const bob = await kept(makePerson(server, ada, 'bob'));
    const talk = await ada.conversations.create({ members: ['bob'] });
    const atBob = await sees(bob, talk.id);
    await talk.send({ text: 'one' });
    const offline = once(ada, 'connection', ({ state }) => state !== 'online');
    await server.stop();
    await offline;
    const waiting = [talk.send({ text: 'two' }), talk.send({ text: 'three' })];
    const heard = textArrives(bob, 'three');
    await server.restart();
    const [two, three] = await Promise.all(waiting);
    expect((two?.sequence ?? 0) + 1).toBe(three?.sequence);
    await heard;
    expect(await texts(talk)).toEqual(['one', 'two', 'three']);
    expect(await texts(atBob)).toEqual(['one', 'two', 'three']);
  });

  it('[E11] [S4] a second device with the recovery code reads everything; the first comes back from its store', async () => {
    const store = join(folder, 'ada');
    const ada = await makeOwner(server, 'ada', store);
    const code = ada.recoveryCode ?? '';
    const bob = await kept(makePerson(server, ada, 'bob'));
    const talk = await ada.conversations.create({ title: 'Plans', members: ['bob'] });
    const atBob = await sees(bob, talk.id);
    for (let at = 0; at < 5; at += 1) await talk.send({ text: `a${at}` });
    await atBob.send({ text: 'b' });
    await ada.close();

    const second = await kept(signIn({ origin: server.origin, handle: 'ada', password: passwordOf('ada'), recoveryCode: code }));
    const atSecond = await sees(second, talk.id);
    expect(await texts(atSecond)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'b']);
    await sees(second, talk.id, ({ title }) => title === 'Plans');
    const heard = textArrives(bob, 'from the second');
    await atSecond.send({ text: 'from the second' });
    expect((await heard).message.from).toBe('ada');

    const first = await kept(signIn({ origin: server.origin, handle: 'ada', password: passwordOf('ada'), store }));
    expect(first.me.deviceId).not.toBe(second.me.deviceId);
    const atFirst = await sees(first, talk.id);
    expect(await texts(atFirst)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'b', 'from the second']);
    const back = textArrives(second, 'from the first');
    await atFirst.send({ text: 'from the first' });
    await back;
  });

  it('says in codes what is wrong', async () => {
    const ada = await kept(makeOwner(server, 'ada'));
    const { origin, setupToken: token } = server;
    const password = passwordOf('x');
    expect(await refusal(setup({ origin, token, handle: 'eve', displayName: 'Eve', password }))).toBe('setup.done');
    expect(await refusal(register({ origin, invite: `${origin}/join#token=${'A'.repeat(43)}`, handle: 'eve', displayName: 'Eve', password }))).toBe('invite.unknown');
    const { link } = await ada.createInvite();
    expect(await refusal(register({ origin, invite: link, handle: 'ada', displayName: 'Eve', password }))).toBe('handle.taken');
    expect(await refusal(register({ origin, invite: link, handle: 'eve', displayName: 'Eve', password: 'short' }))).toBe('password.weak');
    expect(await refusal(signIn({ origin, handle: 'ada', password: 'not the password at all' }))).toBe('sign_in.failed');
    expect(await refusal(ada.conversations.create({ members: ['nobody'] }))).toBe('person.unknown');
    const talk = await ada.conversations.create({ members: [] });
    expect(await refusal(talk.send({ text: '' }))).toBe('message.empty');
    expect(await refusal(talk.send({ text: 'x'.repeat(61 * 1024) }))).toBe('message.too_long');
    expect(await refusal(talk.messages({ limit: 0 }))).toBe('input.invalid');
    expect(await refusal(signIn({ origin, handle: 'ada', password: passwordOf('ada'), recoveryCode: 'nonsense' }))).toBe('recovery_code.malformed');

    const locked = await kept(signIn({ origin, handle: 'ada', password: passwordOf('ada') }));
    expect(() => locked.me).toThrow('vault.locked');
    expect(await refusal(locked.conversations.list())).toBe('vault.locked');
    expect(await refusal(locked.conversations.create({ members: [] }))).toBe('vault.locked');
  });

  it('pages backwards, newest first', async () => {
    const ada = await kept(makeOwner(server, 'ada'));
    const talk = await ada.conversations.create({ members: [] });
    for (let at = 0; at < 12; at += 1) await talk.send({ text: `m${at}` });
    const newest = await talk.messages({ limit: 5 });
    expect(newest.map(({ text }) => text)).toEqual(['m11', 'm10', 'm9', 'm8', 'm7']);
    const older = await talk.messages({ limit: 5, before: newest.at(-1)?.sequence ?? 0 });
    expect(older.map(({ text }) => text)).toEqual(['m6', 'm5', 'm4', 'm3', 'm2']);
    const oldest = await talk.messages({ limit: 5, before: older.at(-1)?.sequence ?? 0 });
    expect(oldest.map(({ text }) => text)).toEqual(['m1', 'm0']);
    expect(await talk.messages({ limit: 5, before: oldest.at(-1)?.sequence ?? 0 })).toEqual([]);
  });
});
