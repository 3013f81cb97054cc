/** What both adapters do with credentials. */
import type { Credentials, PasskeyRecord, PasskeyUse } from '../ports/credentials.ts';
import type { AccountRecord, SessionRecord, SessionStore } from '../ports/store.ts';

export type Settled = Parameters<SessionStore['settle']>[1];

/** WebAuthn Level 3 §7.2, "signature counter": anything but growth is a sign of a copy, unless neither side counts. */
export const counterBack = (before: PasskeyRecord, { counter }: PasskeyUse): boolean =>
  (before.counter !== 0 || counter !== 0) && counter <= before.counter;

export function passkeysChanged(before: Credentials, after: Credentials): { readonly added: readonly string[]; readonly removed: readonly string[] } {
  const [old, now] = [before, after].map(({ passkeys }) => passkeys.map(({ credentialId }) => credentialId));
  return { added: (now ?? []).filter((id) => !old?.includes(id)), removed: (old ?? []).filter((id) => !now?.includes(id)) };
}

/** The account with these credentials in place of its own, as its next version. What is not in them goes. */
export function withCredentials(account: AccountRecord, credentials: Credentials): AccountRecord {
  const { passwordHash, passkeys, passwordFacts, totp, recoveryCodes, endingSessions } = credentials;
  const { userId, handle, displayName, role, identityKey, createdAt, leaving } = account;
  return {
    userId, handle, displayName, role, identityKey, createdAt, passwordHash, passkeys,
    ...(passwordFacts === undefined ? {} : { passwordFacts }),
    ...(totp === undefined ? {} : { totp }),
    ...(recoveryCodes === undefined ? {} : { recoveryCodes }),
    ...(endingSessions === undefined ? {} : { endingSessions }),
    ...(leaving === undefined ? {} : { leaving }),
    credentialsVersion: (account.credentialsVersion ?? 0) + 1,
  };
}

export function settled(session: SessionRecord, now: Settled): SessionRecord {
  const { must: before, provenAt: earlier, ...others } = session;
  const provenAt = now.provenAt ?? earlier;
  const must = now.must === undefined ? before : now.must;
  return { ...others, ...(provenAt === undefined ? {} : { provenAt }), ...(must === undefined || must === null ? {} : { must }) };
}
