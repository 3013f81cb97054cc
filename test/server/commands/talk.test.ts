import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { commands } from '#protocol/commands/index.ts';
import { sealedBytesMin } from '#protocol/envelope.ts';
import { codeOf, headOf, okay, origin, password, reasonOf, setupToken, suite, talk, value, World } from './world.ts';

async function pair() {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  return { world, owner, guest, ...(await talk(world, owner, [guest])) };
}

describe('accounts', () => {
  it('[A1] makes one owner, once', async () => {
    const world = new World();
    const owner = await world.owner();
    expect(okay(await owner.call('session.get', {})).person.role).toBe('owner');
    const late = await world.stranger('late');
    expect(codeOf(await world.call('account.create', late.accountInput({ kind: 'setup', token: setupToken })))).toBe('setup.done');
  });

  it('[A2] makes one account of two racing uses of an invite', async () => {
    const world = new World();
    const owner = await world.owner();
    const { token, link } = okay(await owner.call('invite.create', {}));
    expect(link.startsWith(origin)).toBe(true);
    const rivals = [await world.stranger('one'), await world.stranger('two')];
    const codes = await Promise.all(rivals.map(async (peer) => codeOf(await world.call('account.create', peer.accountInput({ kind: 'invite', token })))));
    expect(codes.sort()).toEqual(['invite.used', 'ok']);
  });

  it('[A3] refuses a vault with one unlocker and leaves nothing behind', async () => {
    const world = new World();
    const stranger = await world.stranger('someone');
    const input = stranger.accountInput({ kind: 'setup', token: setupToken });
    const thin = { ...input, vault: { ...input.vault, unlockers: input.vault.unlockers.slice(1) } };
    expect(codeOf(await world.call('account.create', thin))).toBe('vault.unlockers_missing');
    expect(await world.store.accounts.count()).toBe(0);
    expect(await world.store.devices.byId(stranger.deviceId)).toBeNull();
  });

  it('[A4] answers an unknown handle like a wrong password', async () => {
    const world = new World();
    await world.owner();
    const wrong = await world.call('signIn.password', { handle: 'owner', password: 'not the password at all' });
    const unknown = await world.call('signIn.password', { handle: 'nobody', password });
    expect(wrong).toEqual(unknown);
    expect(codeOf(wrong)).toBe('sign_in.failed');
    expect(codeOf(await world.call('signIn.password', { handle: 'owner', password }))).toBe('ok');
  });

  it('tells open invites apart by their notes, which must be clean text', async () => {
    const world = new World();
    const owner = await world.owner();
    const { inviteId } = okay(await owner.call('invite.create', { label: 'Cai, night shift' }));
    const plain = okay(await owner.call('invite.create', {}));
    const { invites } = okay(await owner.call('invite.list', {}));
    expect(new Map(invites.map((invite) => [invite.inviteId, invite.label]))).toEqual(new Map([[inviteId, 'Cai, night shift'], [plain.inviteId, null]]));
    for (const label of ['', ' Cai', 'a\u202eb', 'x'.repeat(65)]) expect(codeOf(await owner.call('invite.create', { label }))).toBe('input.invalid');
  });

  it('[A8] tells whether a handle is taken to whoever may make an account, and so often, and to nobody else', async () => {
    const world = new World();
    const owner = await world.owner();
    const { token, inviteId } = okay(await owner.call('invite.create', {}));
    const ask = (handle: string, grant = token) => world.call('account.checkHandle', { grant: { kind: 'invite', token: grant }, handle });
    expect(codeOf(await ask('owner'))).toBe('handle.taken');
    expect(codeOf(await ask('guest'))).toBe('ok');
    for (const handle of ['owner', 'guest']) expect(codeOf(await ask(handle, 'x'.repeat(43)))).toBe('invite.unknown');
    const codes: string[] = [];
    while (codes.at(-1) !== 'rate.limited' && codes.length < 100) codes.push(codeOf(await ask(`free${codes.length}`)));
    expect(codes).toHaveLength(29);
    // Another invite has an allowance of its own.
    const other = okay(await owner.call('invite.create', {}));
    expect(codeOf(await ask('owner', other.token))).toBe('handle.taken');
    okay(await owner.call('invite.revoke', { inviteId }));
    expect(codeOf(await ask('owner'))).toBe('invite.revoked');
  });

  it('[A6] limits guesses of one address, not the account of somebody elsewhere', async () => {
    const world = new World();
    await world.owner();
    const guess = () => world.call('signIn.password', { handle: 'owner', password: 'not the password at all' });
    for (let tries = 0; tries < 8; tries += 1) expect(codeOf(await guess())).toBe('sign_in.failed');
    const { result } = await guess();
    expect(result.ok ? 0 : (result.detail?.retryAfterMs ?? 0)).toBeGreaterThan(0);
    expect(codeOf(await world.call('signIn.password', { handle: 'owner', password }, { address: '198.51.100.7' }))).toBe('ok');
  });

  it('[P2] lets members invite nobody and only the owner invite admins', async () => {
    const world = new World();
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    expect(codeOf(await guest.call('invite.create', {}))).toBe('permission.denied');
    const { token } = okay(await owner.call('invite.create', { role: 'admin' }));
    const admin = await world.person('admin', { kind: 'invite', token });
    expect(codeOf(await admin.call('invite.create', {}))).toBe('ok');
    expect(codeOf(await admin.call('invite.create', { role: 'admin' }))).toBe('permission.denied');
  });
});

describe('names', () => {
  it('[N1] that hold what is not seen are refused, of people and of devices', async () => {
    const world = new World();
    const peer = await world.stranger('owner');
    const input = peer.accountInput({ kind: 'setup', token: setupToken });
    for (const hidden of ['\u200b', 'Ada\u200b', 'A\u200dda', '\u2066Ada', '\u3164', 'Ada\u{e0041}']) {
      const named = await world.call('account.create', { ...input, displayName: hidden });
      expect([codeOf(named), named.result.ok ? null : named.result.detail?.field]).toEqual(['input.invalid', 'displayName']);
      const device = await world.call('account.create', { ...input, device: { ...input.device, label: hidden } });
      expect([codeOf(device), device.result.ok ? null : device.result.detail?.field]).toEqual(['input.invalid', 'device.label']);
    }
    expect(codeOf(await world.call('account.create', { ...input, displayName: '林薇 👩‍🚀' }))).toBe('ok');
  });

  it('[N1] of an earlier version are still answered', async () => {
    const world = new World();
    const owner = await world.owner();
    const people = [{ userId: owner.userId, handle: 'owner', displayName: 'Ada\u200b', role: 'owner', identityKey: new Uint8Array(32) }];
    expect(v.is(commands['people.list'].output, { people, more: false })).toBe(true);
  });
});

describe('talking', () => {
  it('[M1] [C10] brings a newcomer in by welcome and shows the log from their commit on', async () => {
    const { guest, conversationId } = await pair();
    const { welcomes } = okay(await guest.call('welcome.list', {}));
    expect(welcomes.map((welcome) => [welcome.conversationId, welcome.epoch, welcome.sequence])).toEqual([[conversationId, 1, 2]]);
    const { page } = okay(await guest.call('log.read', { conversationId, after: 0 }));
    expect(page.entries.map((entry) => [entry.sequence, entry.kind])).toEqual([[2, 'commit']]);
    okay(await guest.call('welcome.acknowledge', { welcomeIds: welcomes.map((welcome) => welcome.welcomeId) }));
    expect(okay(await guest.call('welcome.list', {})).welcomes).toEqual([]);
  });

  it('[L2] [L1] gives a repeated send its receipt, even when the epoch moved on', async () => {
    const { owner, guest, conversationId, state } = await pair();
    const message = guest.message(1, await headOf(guest, conversationId));
    const first = okay(await guest.call('conversation.send', { conversationId, kind: 'message', message }));
    const { sent } = await owner.commit(state, 1, {});
    okay(await owner.call('conversation.commit', { conversationId, commit: sent }));
    expect(okay(await guest.call('conversation.send', { conversationId, kind: 'message', message }))).toEqual(first);
    const other = { ...message, body: Uint8Array.from(message.body, (byte, at) => (at >= sealedBytesMin ? byte ^ 1 : byte)) };
    expect(codeOf(await guest.call('conversation.send', { conversationId, kind: 'message', message: other }))).toBe('message.conflict');
    expect(okay(await guest.call('log.read', { conversationId, after: 0 })).page.entries.map((entry) => entry.sequence)).toEqual([2, 3, 4]);
  });

  it('[C2] [L3] accepts one of two racing commits and no message of the old epoch', async () => {
    const { owner, guest, conversationId, state } = await pair();
    const commits = [await owner.commit(state, 1, {}), await owner.commit(state, 1, {})];
    const replies = await Promise.all(commits.map(({ sent }) => owner.call('conversation.commit', { conversationId, commit: sent })));
    expect(replies.map(codeOf).sort()).toEqual(['epoch.stale', 'ok']);
    const late = await guest.call('conversation.send', { conversationId, kind: 'message', message: guest.message(1, await headOf(guest, conversationId)) });
    expect(late.result).toEqual({ ok: false, code: 'epoch.stale', detail: { epoch: 2 } });
  });

  it('[L4] refuses a seen mark that is ahead or names another hash', async () => {
    const { guest, conversationId } = await pair();
    const head = await headOf(guest, conversationId);
    const send = (message: unknown) => guest.call('conversation.send', { conversationId, kind: 'message', message });
    expect(reasonOf(await send(guest.message(1, { ...head, sequence: head.sequence + 1 })))).toBe('ahead');
    expect(reasonOf(await send(guest.message(1, { ...head, hash: new Uint8Array(32).fill(9) })))).toBe('hash');
  });

  it('[L4] [L5] takes many sends at once from somebody who has seen little, whatever it forgets meanwhile', async () => {
    const { guest, conversationId } = await pair();
    const head = await headOf(guest, conversationId);
    const messages = Array.from({ length: 3_500 }, () => guest.message(1, head));
    const replies = await Promise.all(messages.map((message) => guest.call('conversation.send', { conversationId, kind: 'message', message })));
    expect(replies.filter((reply) => codeOf(reply) !== 'ok').length).toBe(0);
    expect(okay(replies[0] ?? expect.unreachable()).receipt.sequence).toBe(head.sequence + 1);
    expect((await headOf(guest, conversationId)).sequence).toBe(head.sequence + messages.length);
  });

  it('[L7] [L9] goes live at the head, pages behind it, refuses a cursor ahead of it', async () => {
    const { guest, conversationId } = await pair();
    const { conversation } = okay(await guest.call('conversation.get', { conversationId }));
    const live: string[] = [];
    const tail = async (sequence: number) => {
      const cursors = [{ conversationId, generation: conversation.generation, sequence }];
      return value(okay(await guest.call('log.tail', { cursors }, { tail: { subscribe: (id) => live.push(id) } })).results[0]);
    };
    expect((await tail(0)).state).toBe('page');
    expect(live).toEqual([]);
    expect((await tail(conversation.headSequence)).state).toBe('live');
    expect(live).toEqual([conversationId]);
    expect(await tail(conversation.headSequence + 1)).toMatchObject({ state: 'refused', code: 'cursor.refused' });
  });

  it('[C1] [C7] [C8] cuts a leaver off and refuses messages until their leaves are gone', async () => {
    const { world, owner, guest, conversationId, state } = await pair();
    const outsider = await world.invited(owner, 'outsider');
    expect(codeOf(await outsider.call('conversation.get', { conversationId }))).toBe('conversation.unknown');
    const farewell = guest.message(1, await headOf(guest, conversationId));
    const left = okay(await guest.call('conversation.leave', { conversationId, message: farewell }));
    expect(okay(await guest.call('conversation.leave', { conversationId, message: farewell }))).toEqual(left);
    expect(okay(await guest.call('log.read', { conversationId })).page.headSequence).toBe(left.receipt.sequence);
    const refused = await owner.call('conversation.send', { conversationId, kind: 'message', message: owner.message(1, await headOf(owner, conversationId)) });
    expect([codeOf(refused), reasonOf(refused)]).toEqual(['epoch.stale', 'leaving']);
    const { sent } = await owner.commit(state, 1, { remove: [1] });
    okay(await owner.call('conversation.commit', { conversationId, commit: sent }));
    const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
    expect(conversation.members.map((member) => member.userId)).toEqual([owner.userId]);
    okay(await owner.call('conversation.send', { conversationId, kind: 'message', message: owner.message(2, await headOf(owner, conversationId)) }));
  });

  it('[K2] [K3] claims a package once and nothing when somebody has none', async () => {
    const { owner, guest } = await pair();
    const claim = async () => owner.call('keyPackage.claim', { userIds: [guest.userId], suite, except: [] });
    const taken = [okay(await claim()), okay(await claim())].map(({ keyPackages }) => Buffer.from(value(keyPackages[0]).bytes).toString('hex'));
    expect(new Set(taken).size).toBe(2);
    expect(codeOf(await claim())).toBe('key_package.exhausted');
  });
});
