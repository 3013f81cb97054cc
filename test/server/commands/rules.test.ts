import * as fc from 'fast-check';
import { testScribe } from '../../harness/scribe.ts';
import { describe, expect, it } from 'vitest';
import { type CommandName, commands, isCommandName } from '#protocol/commands/index.ts';
import { errors } from '#protocol/errors.ts';
import type { ConversationId, DeviceId, MessageId, UserId } from '#protocol/ids.ts';
import type { Role } from '#protocol/model.ts';
import { inputFromJson, inputToJson } from '../../../server/commands/json.ts';
import { openApiDocument } from '../../../server/commands/openapi.ts';
import { attachedBytes } from '../../../server/domain/devices.ts';
import { parseCommit, parseGroupInfo, parseWelcomeSuite } from '../../../server/domain/mls-framing.ts';
import { parseKeyPackage } from '../../../server/domain/mls-key-package.ts';
import { Permissions, type Resource } from '../../../server/domain/permissions/permissions.ts';
import { codeOf, headOf, okay, reasonOf, setupToken, suite, talk, value, World } from './world.ts';

const names: readonly CommandName[] = Object.keys(commands).filter(isCommandName);

describe('permissions', () => {
  it('[P1] decides every command for every role, and denies what no policy permits', () => {
    const permissions = new Permissions();
    const userId = new World().id<UserId>();
    const invites = new Set(['invite.create', 'invite.list', 'invite.revoke']);
    /** Owner and admins alone. */
    const administration = /^(?:invite|audit|retention|hold|erasure|signInPolicy|passwordReset)\./;
    const roles: readonly Role[] = ['owner', 'admin', 'member'];
    for (const name of names.filter((candidate) => commands[candidate].who !== 'anyone')) {
      for (const role of roles) {
        const decide = (resource: Resource) => permissions.decide({ userId, role }, name, resource);
        const { resource } = commands[name];
        if (resource === 'self') expect(`${name} ${role} ${decide({ kind: 'self' })}`).toBe(`${name} ${role} allow`);
        if (resource === 'system') {
          const expected = administration.test(name) && role === 'member' ? 'deny' : 'allow';
          expect(`${name} ${role} ${decide({ kind: 'system', inviteRole: invites.has(name) ? 'member' : '' })}`).toBe(`${name} ${role} ${expected}`);
        }
        if (resource === 'conversation') {
          expect(decide({ kind: 'conversation', relation: 'member' })).toBe('allow');
          expect(decide({ kind: 'conversation', relation: 'none' })).toBe('deny');
          expect(decide({ kind: 'conversation', relation: 'leaving' })).toBe(['conversation.leave', 'log.read'].includes(name) ? 'allow' : 'deny');
          expect(decide({ kind: 'conversation', relation: 'former' })).toBe(name === 'log.read' ? 'allow' : 'deny');
        }
        const elsewhere: Resource = resource === 'self' ? { kind: 'conversation', relation: 'owner' } : { kind: 'self' };
        expect(`${name} ${decide(elsewhere)}`).toBe(`${name} deny`);
      }
    }
  });
});

describe('inputs', () => {
  it('[F3] answers any value to any command with a typed refusal and changes nothing', async () => {
    const world = new World();
    const owner = await world.owner();
    const anything = fc.anything({ withNullPrototype: true, withTypedArray: true, withBigInt: true });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), anything, async (name, input) => {
        world.runtime.advance(1_000);
        const { result } = await owner.call(name, input);
        return result.ok ? Object.keys(Object(input)).length === 0 : result.code in errors;
      }),
      { numRuns: 400, examples: names.map((name): [CommandName, unknown] => [name, { extra: 1 }]) },
    );
    expect(await world.store.accounts.count()).toBe(1);
    expect(okay(await owner.call('conversation.list', {})).conversations).toEqual([]);
  });

  it('[F3] names the first bad field', async () => {
    const reply = await new World().call('signIn.password', { handle: 'Not A Handle', password: 'x' });
    expect(reply.result).toEqual({ ok: false, code: 'input.invalid', detail: { field: 'handle' } });
  });

  it('[A7] refuses PRF results before anything reads them', async () => {
    const world = new World();
    const { ceremonyId } = okay(await world.call('signIn.passkeyOptions', {}));
    const response = { clientExtensionResults: { prf: { results: { first: 'AAAA' } } } };
    expect(codeOf(await world.call('signIn.passkey', { ceremonyId, response }))).toBe('input.invalid');
  });

  it('[F5] carries bytes through JSON and back', async () => {
    const input = (await new World().stranger('someone')).accountInput({ kind: 'setup', token: setupToken });
    const json: unknown = JSON.parse(JSON.stringify(inputToJson('account.create', input)));
    expect(inputFromJson('account.create', json)).toEqual(input);
  });

  it('[F6] describes every row, the file routes, and nothing else', () => {
    const { paths } = openApiDocument({ version: '0', origin: 'http://localhost:8080' });
    expect(Object.keys(Object(paths)).sort()).toEqual([...names.map((name) => `/api/v1/${name}`), '/api/v1/files', '/api/v1/files/{fileId}'].sort());
  });

  it('[C3] reads garbage and damaged commits without throwing', async () => {
    const world = new World();
    const owner = await world.owner();
    const { sent } = await owner.commit(await owner.group(world.id<ConversationId>()), 0, {});
    expect(parseCommit(sent.commit)?.sender).toEqual({ kind: 'member', leafIndex: 0 });
    const parsers = [parseCommit, parseGroupInfo, parseWelcomeSuite, parseKeyPackage];
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => parsers.every((parse) => parse(bytes) === null)));
    for (let length = 0; length < sent.commit.length; length += 1) expect(parseCommit(sent.commit.subarray(0, length))).toBeNull();
  });
});

describe('devices', () => {
  it('[D1] refuses certificates of somebody else, another device, a wrong signature or another time', async () => {
    const world = new World();
    const peer = await world.stranger('someone');
    const now = world.runtime.now();
    const refused = async (certificate: Uint8Array<ArrayBuffer>) => {
      const input = peer.accountInput({ kind: 'setup', token: setupToken });
      return reasonOf(await world.call('account.create', { ...input, device: { ...input.device, certificate } }));
    };
    expect(await refused(peer.certificate({ userId: world.id<UserId>() }))).toBe('user');
    expect(await refused(peer.certificate({ deviceId: world.id<DeviceId>() }))).toBe('device');
    expect(await refused(peer.certificate({ issuedAt: now - 2, expiresAt: now }))).toBe('expired');
    expect(await refused(peer.certificate({ issuedAt: now + 3_600_000 }))).toBe('dated_ahead');
    expect(await refused(peer.certificate().with(170, 1).with(171, 2).with(172, 3))).toBe('signature');
  });

  it('[D2] [K1] refuses the same device again and key packages of another device', async () => {
    const world = new World();
    const owner = await world.owner();
    expect(reasonOf(await owner.call('device.register', { device: owner.newDevice, keyPackages: [] }))).toBe('exists');
    const stranger = await world.stranger('stranger');
    expect(reasonOf(await owner.call('keyPackage.publish', { keyPackages: stranger.offered }))).toBe('credential');
  });

  it('[S4] lets a challenge work once, and only in its session', async () => {
    const world = new World();
    const owner = await world.owner();
    const attach = async (challenge: Uint8Array<ArrayBuffer>) => {
      const signature = await owner.signer.sign(attachedBytes(owner.sessionId, owner.deviceId, challenge));
      return owner.call('device.attach', { deviceId: owner.deviceId, challenge, signature });
    };
    const { challenge } = okay(await owner.call('device.challenge', {}));
    expect(codeOf(await attach(challenge))).toBe('ok');
    expect(codeOf(await attach(challenge))).toBe('ceremony.expired');
    const elsewhere = await world.services.sessions.start(owner.userId, { factor: 'password', whence: { address: '192.0.2.1', agent: '' } }, testScribe(world.runtime));
    const foreign = okay(await owner.call('device.challenge', {}, { session: elsewhere.record }));
    expect(codeOf(await attach(foreign.challenge))).toBe('ceremony.expired');
  });
});

describe('commits', () => {
  it('[C3] refuses a commit of another group, by another sender, or with foreign enclosures', async () => {
    const world = new World();
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    const { conversationId, state } = await talk(world, owner, [guest]);
    const foreign = await owner.commit(await owner.group(world.id<ConversationId>()), 0, {});
    const submit = async (peer: typeof owner, commit: unknown) => reasonOf(await peer.call('conversation.commit', { conversationId, commit }));
    expect(await submit(owner, { ...foreign.sent, epoch: 1 })).toBe('group');
    const { sent } = await owner.commit(state, 1, {});
    expect(await submit(guest, sent)).toBe('path_leaf');
    expect(await submit(owner, { ...sent, groupInfo: foreign.sent.groupInfo })).toBe('group_info');
    expect(await submit(owner, { ...sent, welcome: new Uint8Array([1]) })).toBe('welcome');
    // Whoever has the session and not the device's key: the same shape, another signature.
    const altered = (bytes: Uint8Array, place: number): Uint8Array => bytes.map((byte, at) => (at === place ? byte ^ 1 : byte));
    const signature = parseCommit(sent.commit)?.signature ?? new Uint8Array();
    expect(await submit(owner, { ...sent, commit: altered(sent.commit, Buffer.from(sent.commit).indexOf(signature)) })).toBe('signature');
    expect(await submit(owner, { ...sent, groupInfo: altered(sent.groupInfo, sent.groupInfo.length - 1) })).toBe('group_info');
    expect(okay(await owner.call('conversation.get', { conversationId })).conversation.epoch).toBe(1);
  });

  it('[C6] [L2] gives a repeated commit its receipts and stores the follow-up with it', async () => {
    const world = new World();
    const owner = await world.owner();
    const { conversationId, state } = await talk(world, owner, [await world.invited(owner, 'guest')]);
    const { sent } = await owner.commit(state, 1, {});
    const commit = { ...sent, follow: [{ kind: 'meta', message: owner.message(2, await headOf(owner, conversationId)) }] };
    const first = okay(await owner.call('conversation.commit', { conversationId, commit }));
    expect(okay(await owner.call('conversation.commit', { conversationId, commit }))).toEqual(first);
    const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
    expect([conversation.metaSequence, conversation.headSequence]).toEqual([value(first.follow[0]).sequence, first.receipt.sequence + 1]);
  });

  it('[C9] makes the longest-standing member owner when the owner leaves', async () => {
    const world = new World();
    const owner = await world.owner();
    const guests = [await world.invited(owner, 'one'), await world.invited(owner, 'two')];
    const { conversationId } = await talk(world, owner, guests);
    const message = { ...owner.message(1, await headOf(owner, conversationId)), id: world.id<MessageId>() };
    okay(await owner.call('conversation.leave', { conversationId, message }));
    const { conversation } = okay(await value(guests[0]).call('conversation.get', { conversationId }));
    const standing = conversation.members.find((member) => !member.leaving);
    expect(conversation.owner).toBe(standing?.userId);
    expect(conversation.owner).not.toBe(owner.userId);
  });

  it('[L11] moves read marks forward only', async () => {
    const world = new World();
    const owner = await world.owner();
    const { conversationId } = await talk(world, owner, [await world.invited(owner, 'guest')]);
    const mark = async (sequence: number) => okay(await owner.call('conversation.markRead', { conversationId, sequence })).readSequence;
    expect([await mark(2), await mark(1), await mark(99)]).toEqual([2, 2, 2]);
    expect(okay(await owner.call('keyPackage.counts', {})).counts).toEqual([{ suite, count: 3 }]);
  });
});
