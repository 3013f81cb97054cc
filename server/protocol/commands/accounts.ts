import * as v from 'valibot';
import { bytes, Timestamp } from '../envelope.ts';
import { CeremonyId, DeviceId, InviteId, UserId } from '../ids.ts';
import * as limits from '../limits.ts';
import { DisplayName, Handle, KeptName, InviteLabel, NewDevice, NewKeyPackage, Password, Role, Suite, Token, Unlocker } from '../model.ts';
import { NoticedRule } from '../retention.ts';
import { row } from './row.ts';
import { SignedInSession, webAuthnJson } from './shapes.ts';

const Empty = v.strictObject({});
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What allows a new account: the setup link (makes the owner) or an invite. */
const Grant = v.variant('kind', [
  v.strictObject({ kind: v.literal('setup'), token: Token }),
  v.strictObject({ kind: v.literal('invite'), token: Token }),
]);

const KeyPackages = v.pipe(v.array(NewKeyPackage), v.maxLength(2 * limits.keyPackagesPerPublishMax));

export const accountCommands = {
  'server.info': row({
    summary: 'What this server is, before anybody signs in.',
    input: Empty,
    output: v.strictObject({
      name: v.string(),
      version: v.string(),
      protocol: count,
      origin: v.string(),
      setupNeeded: v.boolean(),
      passwordLengthMin: count,
      serverTime: Timestamp,
    }),
    errors: [],
    who: 'anyone',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'invite.check': row({
    summary: 'Whether a setup or invite token still opens an account, who invited, and how long what is kept.',
    input: v.strictObject({ grant: Grant }),
    output: v.strictObject({ invitedBy: v.nullable(KeptName), role: Role, expiresAt: v.nullable(Timestamp), retention: v.array(NoticedRule) }),
    errors: ['setup.done', 'setup.token_invalid', 'invite.unknown', 'invite.expired', 'invite.used', 'invite.revoked'],
    who: 'anyone',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'account.checkHandle': row({
    summary: 'Whether a handle is free for the account that this token opens, while it is being typed.',
    input: v.strictObject({ grant: Grant, handle: Handle }),
    output: Empty,
    errors: ['setup.done', 'setup.token_invalid', 'invite.unknown', 'invite.expired', 'invite.used', 'invite.revoked', 'handle.taken'],
    who: 'anyone',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'account.passkeyOptions': row({
    summary: 'Begin making a passkey for an account that is about to be created.',
    input: v.strictObject({ grant: Grant, userId: UserId, handle: Handle, displayName: DisplayName }),
    output: v.strictObject({ ceremonyId: CeremonyId, options: v.record(v.string(), v.unknown()) }),
    errors: ['setup.done', 'setup.token_invalid', 'invite.unknown', 'invite.expired', 'invite.used', 'invite.revoked', 'handle.taken'],
    who: 'anyone',
    resource: 'system',
    audited: { not: 'begins' },
  }),
  'account.create': row({
    summary: 'Create the account, its identity, vault and first device in one transaction, and sign in.',
    input: v.strictObject({
      grant: Grant,
      userId: UserId,
      handle: Handle,
      displayName: DisplayName,
      factor: v.variant('kind', [
        v.strictObject({ kind: v.literal('passkey'), ceremonyId: CeremonyId, response: webAuthnJson }),
        v.strictObject({ kind: v.literal('password'), password: Password }),
      ]),
      identityKey: bytes(32, 32),
      device: NewDevice,
      keyPackages: KeyPackages,
      vault: v.strictObject({
        sealed: bytes(limits.vaultBytesMax, 1),
        unlockers: v.pipe(v.array(v.omit(Unlocker, ['createdAt'])), v.maxLength(limits.unlockersMax)),
      }),
    }),
    output: SignedInSession,
    errors: [
      'setup.done', 'setup.token_invalid', 'setup.required', 'invite.unknown', 'invite.expired', 'invite.used', 'invite.revoked',
      'account.exists', 'handle.taken', 'password.weak', 'ceremony.expired', 'passkey.refused', 'device.refused', 'key_package.invalid',
      'vault.unlockers_missing', 'factor.forbidden',
    ],
    who: 'anyone',
    resource: 'system',
    httpOnly: true,
    audited: ['setup.completed', 'account.created', 'invite.used'],
  }),
  'signIn.passkeyOptions': row({
    summary: 'Begin signing in with a discoverable passkey (no handle asked).',
    input: Empty,
    output: v.strictObject({ ceremonyId: CeremonyId, options: v.record(v.string(), v.unknown()) }),
    errors: [],
    who: 'anyone',
    resource: 'system',
    audited: { not: 'begins' },
  }),
  'signIn.passkey': row({
    summary: 'Finish signing in with a passkey.',
    input: v.strictObject({ ceremonyId: CeremonyId, response: webAuthnJson }),
    output: SignedInSession,
    errors: ['ceremony.expired', 'sign_in.failed', 'factor.forbidden'],
    who: 'anyone',
    resource: 'system',
    httpOnly: true,
    audited: ['sign_in.succeeded', 'sign_in.failed', 'passkey.suspected'],
  }),
  'signIn.password': row({
    summary: 'Sign in with handle and password. An unknown handle answers like a wrong password, in the same time. Where there is a second step, second_step.required says how to go on.',
    input: v.strictObject({ handle: Handle, password: Password }),
    output: SignedInSession,
    errors: ['sign_in.failed', 'second_step.required', 'factor.forbidden'],
    who: 'anyone',
    resource: 'system',
    httpOnly: true,
    audited: ['sign_in.succeeded', 'sign_in.failed'],
  }),
  'session.get': row({
    summary: 'Who this session is.',
    input: Empty,
    output: SignedInSession,
    errors: [],
    who: 'person',
    resource: 'self',
    beforehand: true,
    audited: { not: 'reads' },
  }),
  'session.ping': row({
    summary: 'Prove that both directions are alive.',
    input: Empty,
    output: v.strictObject({ serverTime: Timestamp }),
    errors: [],
    who: 'person',
    resource: 'self',
    beforehand: true,
    audited: { not: 'pings' },
  }),
  'session.end': row({
    summary: 'Sign out: the session ends at once, on open sockets too.',
    input: Empty,
    output: Empty,
    errors: [],
    who: 'person',
    resource: 'self',
    beforehand: true,
    httpOnly: true,
    audited: ['session.ended'],
  }),
  'device.register': row({
    summary: 'Register a new device of the signed-in person; the certificate proves that the vault was opened.',
    input: v.strictObject({ device: NewDevice, keyPackages: KeyPackages }),
    output: SignedInSession,
    errors: ['device.refused', 'device.too_many', 'key_package.invalid'],
    who: 'person',
    resource: 'self',
    audited: ['device.registered', 'device.attached'],
  }),
  'device.challenge': row({
    summary: 'A one-time challenge that a registered device signs to take over this session.',
    input: Empty,
    output: v.strictObject({ challenge: bytes(32, 32) }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'begins' },
  }),
  'device.attach': row({
    summary: 'Bind this session to a registered device: Ed25519 over "lanying attach 1", session id, device id and challenge.',
    input: v.strictObject({ deviceId: DeviceId, challenge: bytes(32, 32), signature: bytes(64, 64) }),
    output: SignedInSession,
    errors: ['device.unknown', 'device.refused', 'ceremony.expired'],
    who: 'person',
    resource: 'self',
    audited: ['device.attached'],
  }),
  'keyPackage.publish': row({
    summary: 'Publish one-time key packages (and the last-resort one) of this device.',
    input: v.strictObject({ keyPackages: KeyPackages }),
    output: v.strictObject({ counts: v.array(v.strictObject({ suite: Suite, count })) }),
    errors: ['key_package.invalid'],
    who: 'device',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
  'keyPackage.counts': row({
    summary: 'How many one-time key packages of this device are left for each suite.',
    input: Empty,
    output: v.strictObject({ counts: v.array(v.strictObject({ suite: Suite, count })) }),
    errors: [],
    who: 'device',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'invite.create': row({
    summary: 'Make a single-use invite link. The label is a note on whom it is for, forgotten once the link is used or withdrawn.',
    input: v.strictObject({
      label: v.optional(InviteLabel),
      role: v.optional(v.picklist(['admin', 'member'])),
      lifetimeMs: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(60_000), v.maxValue(limits.inviteLifetimeMsMax))),
    }),
    output: v.strictObject({ inviteId: InviteId, token: Token, link: v.string(), role: Role, expiresAt: Timestamp }),
    errors: ['invite.too_many'],
    who: 'person',
    resource: 'system',
    /** An admin can do almost everything. */
    stepUp: { when: ({ role }) => role === 'admin' },
    audited: ['invite.created'],
  }),
  'invite.list': row({
    summary: 'Invites that are open, used, revoked or expired; tokens are not shown again.',
    input: Empty,
    output: v.strictObject({
      invites: v.array(
        v.strictObject({
          inviteId: InviteId,
          label: v.nullable(InviteLabel),
          role: Role,
          createdBy: UserId,
          createdAt: Timestamp,
          expiresAt: Timestamp,
          state: v.picklist(['open', 'used', 'revoked', 'expired']),
          usedBy: v.nullable(UserId),
        }),
      ),
    }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'invite.revoke': row({
    summary: 'Make an open invite useless at once.',
    input: v.strictObject({ inviteId: InviteId }),
    output: Empty,
    errors: ['invite.unknown', 'invite.used'],
    who: 'person',
    resource: 'system',
    audited: ['invite.revoked'],
  }),
};
