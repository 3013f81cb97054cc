/** Entries of the audit log, as both sides see them. What is personal in them is sealed under a key of its person and can be erased. */
import * as v from 'valibot';
import { Timestamp } from './envelope.ts';
import { UserId } from './ids.ts';
import * as limits from './limits.ts';

/** Every administrative and security act there is. Names are stored: add, never rename. */
export const actNames = [
  'setup.completed',
  'account.created',
  'account.erased',
  'invite.created',
  'invite.revoked',
  'invite.used',
  'sign_in.succeeded',
  'sign_in.failed',
  'session.ended',
  'device.registered',
  'device.attached',
  'device.removed',
  'unlockers.changed',
  'password.changed',
  'passkey.added',
  'passkey.removed',
  'key.reset',
  'role.changed',
  'policy.changed',
  'hold.requested',
  'hold.placed',
  'hold.lifted',
  'hold.expired',
  'purge.run',
  'erasure.requested',
  'person.shredded',
  'export.made',
  'audit.exported',
  'backup.made',
  'backup.restored',
  'settings.changed',
  'audit.trimmed',
  'account.closed',
  'passkey.renamed',
  'passkey.suspected',
  'totp.added',
  'totp.removed',
  'recovery_codes.made',
  'recovery_code.used',
  'session.proven',
  'password.reset_issued',
] as const;
export const ActName = v.picklist(actNames);
export type ActName = v.InferOutput<typeof ActName>;

/** Who did it: a person, somebody who is not signed in, a part of the server (a job), or whoever runs the command line. */
export const Actor = v.variant('kind', [
  v.strictObject({ kind: v.literal('person'), userId: UserId }),
  v.strictObject({ kind: v.literal('stranger') }),
  v.strictObject({ kind: v.literal('system'), name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/)) }),
  v.strictObject({ kind: v.literal('operator') }),
]);
export type Actor = v.InferOutput<typeof Actor>;

/** What it was done to: a fixed word and an id, never a name. */
export const AuditObject = v.strictObject({
  kind: v.picklist([
    'account',
    'session',
    'device',
    'invite',
    'conversation',
    'policy',
    'hold',
    'log',
    'archive',
    'server',
  ]),
  id: v.pipe(v.string(), v.maxLength(64)),
});
export type AuditObject = v.InferOutput<typeof AuditObject>;

const Fact = v.union([
  v.pipe(v.string(), v.maxLength(512)),
  v.pipe(v.number(), v.safeInteger()),
  v.boolean(),
  v.null(),
]);
/** Facts of a record before and after the act: fixed words, ids, numbers. Nothing personal, no content, no secret. */
export const Facts = v.pipe(
  v.record(v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9.]{0,63}$/)), Fact),
  v.check((facts) => Object.keys(facts).length <= limits.auditFactsMax, 'too many facts'),
);
export type Facts = v.InferOutput<typeof Facts>;

/** Whose a personal field is: a person, or the strangers of one month (`strangers-2026-11`), who cannot be told apart. */
export const Subject = v.pipe(v.string(), v.regex(/^(?:[A-Za-z0-9_-]{22}|strangers-\d{4}-\d{2})$/));
export const PersonalFields = v.record(
  v.picklist(['address', 'handle', 'displayName', 'label']),
  v.pipe(v.string(), v.maxLength(256)),
);
export type PersonalFields = v.InferOutput<typeof PersonalFields>;
export type PersonalField = keyof PersonalFields;

export const AuditIndex = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const AuditEntry = v.strictObject({
  index: AuditIndex,
  /** By the server's clock at that moment; the order of entries is that of their indices. */
  time: Timestamp,
  act: ActName,
  actor: Actor,
  object: v.nullable(AuditObject),
  /** A fixed word. */
  reason: v.nullable(v.pipe(v.string(), v.maxLength(limits.auditReasonLengthMax))),
  before: v.nullable(Facts),
  after: v.nullable(Facts),
  /** As in the server's log; `-` when no request asked for it. */
  requestId: v.pipe(v.string(), v.maxLength(64)),
  /** `fields` null: erased. */
  personal: v.array(v.strictObject({ subject: Subject, fields: v.nullable(PersonalFields) })),
});
export type AuditEntry = v.InferOutput<typeof AuditEntry>;
