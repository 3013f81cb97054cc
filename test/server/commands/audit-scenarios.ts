/** For each command that records something: how it is called so that it does, and what its entries must say. */
import type { ActName } from '#protocol/audit.ts';
import type { ActOf, CommandName, Output } from '#protocol/commands/index.ts';
import { expect } from 'vitest';
import { attachedBytes } from '../../../server/domain/devices.ts';
import { Authenticator } from '../../harness/authenticator.ts';
import { deviceScenarios } from './device-scenarios.ts';
import { factorScenarios } from './factor-scenarios.ts';
import { okay, origin, password, Peer, setupToken, type World } from './world.ts';

export type Audited = { [N in CommandName]: ActOf<N> extends never ? never : N }[CommandName];
/** What an entry must say beyond the act; `actor` null for somebody who is not signed in. */
interface Told {
  readonly act: ActName;
  readonly actor: Peer | null;
  readonly object: unknown;
  readonly reason?: string | null;
  readonly before?: unknown;
  readonly after?: unknown;
}
interface Call {
  readonly input: unknown;
  readonly by: Peer | null;
  readonly told: readonly Told[];
}
export type Scenario = (world: World, owner: Peer) => Promise<Call>;

const dayMs = 86_400_000;
const account = ({ userId }: Peer) => ({ kind: 'account', id: userId });
const some = expect.anything();
const until = (world: World): number => world.runtime.now() + 30 * dayMs;

/** A second administrator. */
async function admin(world: World, owner: Peer): Promise<Peer> {
  const { token } = okay(await owner.call('invite.create', { role: 'admin' }));
  return world.person('admin', { kind: 'invite', token });
}
const proposed = async (world: World, by: Peer): Promise<Output<'hold.place'>['hold']> =>
  okay(await by.call('hold.place', { conversationId: null, reason: 'Court case 12', until: until(world) })).hold;
const facts = (state: string) => expect.objectContaining({ state, reason: 'Court case 12', conversation: null });

async function passkeyOf(world: World): Promise<{ readonly peer: Peer; readonly device: Authenticator }> {
  const grant = { kind: 'setup' as const, token: setupToken };
  const [peer, device] = [await world.stranger('owner'), new Authenticator(origin)];
  const input = { grant, userId: peer.userId, handle: peer.handle, displayName: peer.handle };
  const { ceremonyId, options } = okay(await world.call('account.passkeyOptions', input));
  const factor = { kind: 'passkey' as const, ceremonyId, response: device.register(options) };
  okay(await world.call('account.create', { ...peer.accountInput(grant), factor }));
  return { peer, device };
}
const byPasskey = async (world: World, device: Authenticator, badSignature: boolean) => {
  const { ceremonyId, options } = okay(await world.call('signIn.passkeyOptions', {}));
  return { ceremonyId, response: device.signIn(options, { badSignature }) };
};

/** Asked for, in one of its two ways. */
async function toErase(owner: Peer, guest: Peer, scope: 'account' | 'all') {
  const asked = { userId: guest.userId, text: 'Asked by letter', scope };
  const { requestId } = okay(await owner.call('erasure.request', asked));
  return { requestId, handle: guest.handle };
}

export const scenarios: { readonly [N in Audited]: readonly Scenario[] } = {
  ...factorScenarios,
  ...deviceScenarios,
  'account.create': [
    async (world) => {
      const peer = await world.stranger('owner');
      const told = { actor: peer, object: account(peer) };
      const after = { role: 'owner', factor: 'password', device: peer.deviceId };
      return {
        input: peer.accountInput({ kind: 'setup', token: setupToken }),
        by: null,
        told: [
          { act: 'setup.completed', ...told },
          { act: 'account.created', ...told, after },
        ],
      };
    },
    async (world, owner) => {
      const { token, inviteId } = okay(await owner.call('invite.create', {}));
      const peer = await world.stranger('guest');
      return {
        input: peer.accountInput({ kind: 'invite', token }),
        by: null,
        told: [
          { act: 'invite.used', actor: peer, object: { kind: 'invite', id: inviteId }, after: { usedBy: peer.userId } },
          { act: 'account.created', actor: peer, object: account(peer), after: some },
        ],
      };
    },
  ],
  'signIn.passkey': [
    async (world) => {
      const { peer, device } = await passkeyOf(world);
      const told = { actor: peer, object: { kind: 'session', id: some }, reason: 'passkey' };
      return { input: await byPasskey(world, device, false), by: null, told: [{ act: 'sign_in.succeeded', ...told }] };
    },
    async (world) => {
      const { peer, device } = await passkeyOf(world);
      const told = { actor: null, object: account(peer), reason: 'passkey' };
      return { input: await byPasskey(world, device, true), by: null, told: [{ act: 'sign_in.failed', ...told }] };
    },
    async (world) => {
      const { peer, device } = await passkeyOf(world);
      const { ceremonyId, options } = okay(await world.call('signIn.passkeyOptions', {}));
      const told = { actor: null, object: account(peer), reason: 'counter_back', after: some };
      const response = device.signIn(options, { counter: 1 });
      return { input: { ceremonyId, response }, by: null, told: [{ act: 'passkey.suspected', ...told }] };
    },
  ],
  'signIn.password': [
    async (_world, owner) => {
      const told = { actor: owner, object: { kind: 'session', id: some }, reason: 'password' };
      return { input: { handle: 'owner', password }, by: null, told: [{ act: 'sign_in.succeeded', ...told }] };
    },
    async (_world, owner) => {
      const told = { actor: null, object: account(owner), reason: 'password' };
      return {
        input: { handle: 'owner', password: 'not at all the one' },
        by: null,
        told: [{ act: 'sign_in.failed', ...told }],
      };
    },
  ],
  'session.end': [
    async (_world, owner) => ({
      input: {},
      by: owner,
      told: [{ act: 'session.ended', actor: owner, object: { kind: 'session', id: owner.sessionId }, reason: some }],
    }),
  ],
  'device.register': [
    async (world, owner) => {
      const second = new Peer(world, owner.handle, owner.userId, owner.identity);
      await second.makeKeyPackages(1);
      second.signedIn(await world.call('signIn.password', { handle: owner.handle, password }));
      second.session = await world.sessionOf(second.sessionId);
      const object = { kind: 'device', id: second.deviceId };
      return {
        input: { device: second.newDevice, keyPackages: second.offered },
        by: second,
        told: [
          { act: 'device.registered', actor: owner, object },
          { act: 'device.attached', actor: owner, object, after: { session: second.sessionId } },
        ],
      };
    },
  ],
  'device.attach': [
    async (_world, owner) => {
      const { challenge } = okay(await owner.call('device.challenge', {}));
      const signature = await owner.signer.sign(attachedBytes(owner.sessionId, owner.deviceId, challenge));
      const told = { object: { kind: 'device', id: owner.deviceId }, after: { session: owner.sessionId } };
      return {
        input: { deviceId: owner.deviceId, challenge, signature },
        by: owner,
        told: [{ act: 'device.attached', actor: owner, ...told }],
      };
    },
  ],
  'vault.update': [
    async (world, owner) => {
      const { version, unlockers, sealed } = okay(await owner.call('vault.get', {}));
      const kept = unlockers.map(({ createdAt: _createdAt, ...unlocker }) => unlocker);
      const more = kept.slice(0, 1).map((unlocker) => ({ ...unlocker, unlockerId: world.id() }));
      const told = { before: { passkeys: 0, recoveryCodes: 2 }, after: { passkeys: 0, recoveryCodes: 3 } };
      return {
        input: { version, sealed, unlockers: [...kept, ...more] },
        by: owner,
        told: [{ act: 'unlockers.changed', actor: owner, object: account(owner), ...told }],
      };
    },
  ],
  'invite.create': [
    async (_world, owner) => ({
      input: { role: 'admin', label: 'For the new one' },
      by: owner,
      told: [
        {
          act: 'invite.created',
          actor: owner,
          object: { kind: 'invite', id: some },
          after: { role: 'admin', expiresAt: some },
        },
      ],
    }),
  ],
  'invite.revoke': [
    async (_world, owner) => {
      const { inviteId } = okay(await owner.call('invite.create', {}));
      const change = { before: { state: 'open' }, after: { state: 'revoked' } };
      return {
        input: { inviteId },
        by: owner,
        told: [{ act: 'invite.revoked', actor: owner, object: { kind: 'invite', id: inviteId }, ...change }],
      };
    },
  ],
  'audit.export': [
    async (_world, owner) => ({
      input: { format: 'csv' },
      by: owner,
      told: [
        {
          act: 'audit.exported',
          actor: owner,
          object: { kind: 'log', id: 'audit' },
          after: { format: 'csv', filtered: false },
        },
      ],
    }),
  ],
  'retention.set': [
    async (_world, owner) => {
      okay(await owner.call('retention.set', { class: 'messages', conversationId: null, days: 90 }));
      const change = {
        object: { kind: 'policy', id: 'retention messages' },
        before: { days: 90 },
        after: { days: 30 },
      };
      return {
        input: { class: 'messages', conversationId: null, days: 30 },
        by: owner,
        told: [{ act: 'policy.changed', actor: owner, ...change }],
      };
    },
  ],
  'retention.run': [
    async (world, owner) => {
      const guest = await world.invited(owner, 'guest');
      okay(await owner.call('erasure.confirm', await toErase(owner, guest, 'account')));
      for (const ofClass of ['accounts', 'audit'] as const)
        okay(await owner.call('retention.set', { class: ofClass, conversationId: null, days: 1 }));
      world.runtime.advance(3 * dayMs);
      return {
        input: {},
        by: owner,
        told: [
          { act: 'account.erased', actor: owner, object: account(guest), reason: 'policy' },
          {
            act: 'audit.trimmed',
            actor: owner,
            object: { kind: 'log', id: 'audit' },
            before: { floor: 0 },
            after: { floor: some },
          },
          { act: 'person.shredded', actor: owner, object: account(guest) },
          {
            act: 'purge.run',
            actor: owner,
            object: { kind: 'server', id: 'retention' },
            after: expect.objectContaining({ accounts: 1, receipt: some }),
          },
        ],
      };
    },
  ],
  'hold.place': [
    async (world, owner) => ({
      input: { conversationId: null, reason: 'Court case 12', until: until(world) },
      by: owner,
      told: [{ act: 'hold.requested', actor: owner, object: { kind: 'hold', id: some }, after: facts('proposed') }],
    }),
  ],
  'hold.confirm': [
    async (world, owner) => {
      const [second, { holdId }] = [await admin(world, owner), await proposed(world, owner)];
      const change = { object: { kind: 'hold', id: holdId }, before: facts('proposed'), after: facts('active') };
      return { input: { holdId }, by: second, told: [{ act: 'hold.placed', actor: second, ...change }] };
    },
    async (world, owner) => {
      const [second, { holdId }] = [await admin(world, owner), await proposed(world, owner)];
      okay(await second.call('hold.confirm', { holdId }));
      okay(await second.call('hold.release', { holdId }));
      const change = { object: { kind: 'hold', id: holdId }, before: facts('releasing'), after: facts('released') };
      return { input: { holdId }, by: owner, told: [{ act: 'hold.lifted', actor: owner, ...change }] };
    },
  ],
  'hold.release': [
    async (world, owner) => {
      const [second, { holdId }] = [await admin(world, owner), await proposed(world, owner)];
      okay(await second.call('hold.confirm', { holdId }));
      const change = {
        object: { kind: 'hold', id: holdId },
        reason: 'release',
        before: facts('active'),
        after: facts('releasing'),
      };
      return { input: { holdId }, by: owner, told: [{ act: 'hold.requested', actor: owner, ...change }] };
    },
    async (world, owner) => {
      const { holdId } = await proposed(world, owner);
      const change = { object: { kind: 'hold', id: holdId }, before: facts('proposed'), after: facts('released') };
      return { input: { holdId }, by: owner, told: [{ act: 'hold.lifted', actor: owner, ...change }] };
    },
  ],
  'erasure.request': [
    async (world, owner) => {
      const guest = await world.invited(owner, 'guest');
      const told = { object: account(guest), after: { scope: 'all' } };
      return {
        input: { userId: guest.userId, text: 'Asked by letter', scope: 'all' },
        by: owner,
        told: [{ act: 'erasure.requested', actor: owner, ...told }],
      };
    },
  ],
  'erasure.confirm': (['account', 'all'] as const).map((scope): Scenario => async (world, owner) => {
    const guest = await world.invited(owner, 'guest');
    const shredded = { act: 'person.shredded', actor: owner, object: account(guest) } as const;
    return {
      input: await toErase(owner, guest, scope),
      by: owner,
      told: [
        {
          act: scope === 'all' ? 'account.erased' : 'account.closed',
          actor: owner,
          object: account(guest),
          reason: 'request',
        },
        ...(scope === 'all' ? [shredded] : []),
        { act: 'purge.run', actor: owner, object: { kind: 'server', id: 'retention' }, after: some },
      ],
    };
  }),
  'account.requestErasure': [
    async (world, owner) => {
      const guest = await world.invited(owner, 'guest');
      const told = { object: account(guest), after: { scope: 'all' } };
      return { input: { text: 'Moving on' }, by: guest, told: [{ act: 'erasure.requested', actor: guest, ...told }] };
    },
  ],
  'account.confirmErasure': [
    async (world, owner) => {
      const guest = await world.invited(owner, 'guest');
      const { requestId } = okay(await guest.call('account.requestErasure', { text: 'Moving on' }));
      return {
        input: { requestId, handle: 'guest' },
        by: guest,
        told: [
          { act: 'account.erased', actor: guest, object: account(guest), reason: 'request' },
          { act: 'person.shredded', actor: guest, object: account(guest) },
          { act: 'purge.run', actor: guest, object: { kind: 'server', id: 'retention' }, after: some },
        ],
      };
    },
  ],
};
