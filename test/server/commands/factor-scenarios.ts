/** Scenarios of what people do with their sessions and factors. */
import { expect } from 'vitest';
import { Authenticator, type Flaws } from '../../harness/authenticator.ts';
import type { Scenario } from './audit-scenarios.ts';
import { App, pastPassword, withApp, withPasskey } from './factor-person.ts';
import { okay, origin, password, type Peer, type World } from './world.ts';

const account = ({ userId }: Peer) => ({ kind: 'account', id: userId });
const anySession = { kind: 'session', id: expect.anything() as unknown };
const own = (session: Peer) => ({ kind: 'session', id: session.sessionId });

const copied = { passkey: expect.anything() as unknown, counter: 1 };

async function secondPasskey(world: World, owner: Peer, flaws: Flaws) {
  const { device } = await withPasskey(owner);
  const { ceremonyId } = await pastPassword(world, 'owner');
  const { options } = okay(await world.call('signIn.passkeySecondOptions', { ceremonyId }));
  return { ceremonyId, response: device.signIn(options, flaws) };
}

const signIns = {
  'signIn.totp': [
    async (world, owner) => {
      const { app } = await withApp(owner);
      const { ceremonyId } = await pastPassword(world, 'owner');
      const told = { actor: owner, object: anySession, reason: 'password+totp' };
      return { input: { ceremonyId, code: app.code() }, by: null, told: [{ act: 'sign_in.succeeded', ...told }] };
    },
    async (world, owner) => {
      const { app } = await withApp(owner);
      const { ceremonyId } = await pastPassword(world, 'owner');
      const told = { actor: null, object: account(owner), reason: 'totp' };
      return { input: { ceremonyId, code: app.code(5) }, by: null, told: [{ act: 'sign_in.failed', ...told }] };
    },
  ],
  'signIn.recoveryCode': [
    async (world, owner) => {
      const { codes } = await withApp(owner);
      const { ceremonyId } = await pastPassword(world, 'owner');
      return {
        input: { ceremonyId, code: codes?.[3] },
        by: null,
        told: [
          { act: 'recovery_code.used', actor: owner, object: account(owner), after: { left: 9 } },
          { act: 'sign_in.succeeded', actor: owner, object: anySession, reason: 'password+recovery-code' },
        ],
      };
    },
    async (world, owner) => {
      await withApp(owner);
      const { ceremonyId } = await pastPassword(world, 'owner');
      const told = { actor: null, object: account(owner), reason: 'recovery-code' };
      return {
        input: { ceremonyId, code: 'AAAA-AAAA-AAAA-AAAA' },
        by: null,
        told: [{ act: 'sign_in.failed', ...told }],
      };
    },
  ],
  'signIn.passkeySecond': [
    async (world, owner) => ({
      input: await secondPasskey(world, owner, {}),
      by: null,
      told: [{ act: 'sign_in.succeeded', actor: owner, object: anySession, reason: 'password+passkey' }],
    }),
    async (world, owner) => ({
      input: await secondPasskey(world, owner, { badSignature: true }),
      by: null,
      told: [{ act: 'sign_in.failed', actor: null, object: account(owner), reason: 'passkey' }],
    }),
    async (world, owner) => ({
      input: await secondPasskey(world, owner, { counter: 1 }),
      by: null,
      told: [{ act: 'passkey.suspected', actor: null, object: account(owner), reason: 'counter_back', after: copied }],
    }),
  ],
} satisfies Record<string, readonly Scenario[]>;

const factors = {
  'passkey.add': [
    async (_world, owner) => {
      const made = new Authenticator(origin);
      const { ceremonyId, options } = okay(await owner.call('passkey.addOptions', {}));
      return {
        input: { ceremonyId, response: made.register(options), name: 'Key' },
        by: owner,
        told: [
          { act: 'passkey.added', actor: owner, object: account(owner), after: { passkeys: 1, backupEligible: false } },
          { act: 'recovery_codes.made', actor: owner, object: account(owner), before: { left: 0 } },
        ],
      };
    },
  ],
  'passkey.rename': [
    async (_world, owner) => {
      const { device } = await withPasskey(owner);
      const input = { credentialId: device.credentialId, name: 'Other' };
      return { input, by: owner, told: [{ act: 'passkey.renamed', actor: owner, object: account(owner) }] };
    },
  ],
  'passkey.remove': [
    async (_world, owner) => {
      const { device } = await withPasskey(owner);
      const told = { actor: owner, object: account(owner), after: { passkeys: 0 } };
      return { input: { credentialId: device.credentialId }, by: owner, told: [{ act: 'passkey.removed', ...told }] };
    },
  ],
  'totp.confirm': [
    async (world, owner) => {
      const { ceremonyId, secret } = okay(await owner.call('totp.begin', {}));
      return {
        input: { ceremonyId, code: new App(world, secret).code() },
        by: owner,
        told: [
          { act: 'totp.added', actor: owner, object: account(owner), before: { totp: false } },
          { act: 'recovery_codes.made', actor: owner, object: account(owner), before: { left: 0 } },
        ],
      };
    },
  ],
  'totp.remove': [
    async (_world, owner) => {
      await withApp(owner);
      const told = { actor: owner, object: account(owner), after: { secondStep: false } };
      return { input: {}, by: owner, told: [{ act: 'totp.removed', ...told }] };
    },
  ],
  'recoveryCodes.remake': [
    async (_world, owner) => {
      await withApp(owner);
      const told = { actor: owner, object: account(owner), before: { left: 10 } };
      return { input: {}, by: owner, told: [{ act: 'recovery_codes.made', ...told }] };
    },
  ],
} satisfies Record<string, readonly Scenario[]>;

const sessions = {
  'session.stepUp': [
    async (_world, owner) => {
      const told = { actor: owner, object: own(owner), reason: 'password' };
      return {
        input: { proof: { kind: 'password', password } },
        by: owner,
        told: [{ act: 'session.proven', ...told }],
      };
    },
    async (_world, owner) => {
      const told = { actor: owner, object: account(owner), reason: 'step_up' };
      const proof = { kind: 'password', password: 'not at all the one' };
      return { input: { proof }, by: owner, told: [{ act: 'sign_in.failed', ...told }] };
    },
    async (_world, owner) => {
      const { device } = await withPasskey(owner);
      const { passkey } = okay(await owner.call('session.stepUpOptions', {}));
      const response = device.signIn(passkey?.options ?? {}, { counter: 1 });
      return {
        input: { proof: { kind: 'passkey', ceremonyId: passkey?.ceremonyId, response } },
        by: owner,
        told: [
          { act: 'passkey.suspected', actor: owner, object: account(owner), reason: 'counter_back', after: copied },
          { act: 'sign_in.failed', actor: owner, object: account(owner), reason: 'step_up' },
        ],
      };
    },
  ],
  'session.revoke': [
    async (world, owner) => {
      const { sessionId } = await world.secondDevice(owner);
      const told = { actor: owner, object: { kind: 'session', id: sessionId }, reason: 'revoked' };
      return { input: { sessionId }, by: owner, told: [{ act: 'session.ended', ...told }] };
    },
  ],
  'session.revokeOthers': [
    async (world, owner) => {
      await world.secondDevice(owner);
      const told = { actor: owner, object: account(owner), reason: 'revoked_others', after: { kept: owner.sessionId } };
      return { input: {}, by: owner, told: [{ act: 'session.ended', ...told }] };
    },
  ],
  'session.revokeAll': [
    async (_world, owner) => {
      const told = { actor: owner, object: account(owner), reason: 'revoked_all', after: { kept: null } };
      return { input: {}, by: owner, told: [{ act: 'session.ended', ...told }] };
    },
  ],
} satisfies Record<string, readonly Scenario[]>;

const newPassword = 'something altogether different';
const policies = {
  'password.change': [
    async (_world, owner) => ({
      input: { password: newPassword },
      by: owner,
      told: [{ act: 'password.changed', actor: owner, object: account(owner), before: { password: true } }],
    }),
    async (world, owner) => {
      await world.secondDevice(owner);
      const ended = { reason: 'password_changed', after: { kept: owner.sessionId } };
      return {
        input: { password: newPassword },
        by: owner,
        told: [
          { act: 'password.changed', actor: owner, object: account(owner), before: { password: true } },
          { act: 'session.ended', actor: owner, object: account(owner), ...ended },
        ],
      };
    },
  ],
  'signInPolicy.set': [
    async (_world, owner) => {
      const { policy } = okay(await owner.call('signInPolicy.get', {}));
      const changed = { ...policy, password: { ...policy.password, lengthMin: 20 } };
      const told = {
        actor: owner,
        object: { kind: 'policy', id: 'sign-in' },
        before: expect.objectContaining({ lengthMin: 15, member: 'allowed allowed allowed optional' }) as unknown,
        after: expect.objectContaining({ lengthMin: 20 }) as unknown,
      };
      return { input: { version: 0, policy: changed }, by: owner, told: [{ act: 'policy.changed', ...told }] };
    },
  ],
  'passwordReset.create': [
    async (world, owner) => {
      const guest = await world.invited(owner, 'guest');
      const after = { expiresAt: world.runtime.now() + 86_400_000 };
      const told = { actor: owner, object: account(guest), after };
      return { input: { userId: guest.userId }, by: owner, told: [{ act: 'password.reset_issued', ...told }] };
    },
  ],
  'passwordReset.finish': [
    async (world, owner) => {
      const guest = await world.invited(owner, 'guest');
      const { token } = okay(await owner.call('passwordReset.create', { userId: guest.userId }));
      return {
        input: { token, password: newPassword },
        by: null,
        told: [
          { act: 'password.changed', actor: null, object: account(guest), reason: 'reset' },
          {
            act: 'session.ended',
            actor: null,
            object: account(guest),
            reason: 'password_reset',
            after: { kept: null },
          },
        ],
      };
    },
  ],
} satisfies Record<string, readonly Scenario[]>;

export const factorScenarios = { ...signIns, ...factors, ...sessions, ...policies };
