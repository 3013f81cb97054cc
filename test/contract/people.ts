/** People, devices, conversations and entries to store: plausible, and the same for the same names. */
import { createHash } from 'node:crypto';
import { chainInput, chainStart, type Entry, type EntryKind } from '#protocol/envelope.ts';
import {
  type CeremonyId,
  type ConversationId,
  type DeviceId,
  type Generation,
  idFromBytes,
  type InviteId,
  type MessageId,
  type SessionId,
  type UnlockerId,
  type UserId,
  type WelcomeId,
} from '#protocol/ids.ts';
import type { Device, NewKeyPackage, Suite, Vault, Welcome } from '#protocol/model.ts';
import type {
  AccountRecord,
  ConversationRecord,
  InviteRecord,
  MemberRecord,
  NewAccount,
  Roster,
  RosterChange,
  SessionRecord,
} from '../../server/ports/store.ts';

export const startMs = Date.UTC(2026, 0, 15, 12);
export const dayMs = 86_400_000;

export function bytesOf(name: string, length = 32): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 32) {
    bytes.set(
      createHash('sha256')
        .update(`${name}/${at}`)
        .digest()
        .subarray(0, Math.min(32, length - at)),
      at,
    );
  }
  return bytes;
}

export const userOf = (name: string): UserId => idFromBytes<UserId>(bytesOf(`user ${name}`, 16));
export const deviceOf = (name: string): DeviceId => idFromBytes<DeviceId>(bytesOf(`device ${name}`, 16));
export const conversationOf = (name: string): ConversationId =>
  idFromBytes<ConversationId>(bytesOf(`conversation ${name}`, 16));
export const generationOf = (name: string): Generation => idFromBytes<Generation>(bytesOf(`generation ${name}`, 16));
export const inviteOf = (name: string): InviteId => idFromBytes<InviteId>(bytesOf(`invite ${name}`, 16));
export const sessionOf = (name: string): SessionId => idFromBytes<SessionId>(bytesOf(`session ${name}`, 16));
export const ceremonyOf = (name: string): CeremonyId => idFromBytes<CeremonyId>(bytesOf(`ceremony ${name}`, 16));
export const welcomeOf = (name: string): WelcomeId => idFromBytes<WelcomeId>(bytesOf(`welcome ${name}`, 16));
export const messageOf = (name: string): MessageId => idFromBytes<MessageId>(bytesOf(`message ${name}`, 16));

export const device = (person: string, name = person): Device => ({
  userId: userOf(person),
  deviceId: deviceOf(name),
  certificate: bytesOf(`certificate ${name}`, 177),
  label: `Laptop of ${name}`,
  createdAt: startMs,
});

export const keyPackage = (name: string, suite: Suite = 1, lastResort = false): NewKeyPackage => ({
  suite,
  bytes: bytesOf(`package ${name}`, 300),
  lastResort,
});

export const account = (name: string): AccountRecord => ({
  userId: userOf(name),
  handle: name,
  displayName: `${name} 蓝莺`,
  role: 'member',
  identityKey: bytesOf(`identity ${name}`),
  createdAt: startMs,
  passwordHash: null,
  passkeys: [
    {
      credentialId: `credential-${name}`,
      publicKey: bytesOf(`passkey ${name}`, 77),
      counter: 0,
      transports: ['internal'],
      backedUp: false,
      createdAt: startMs,
    },
  ],
});

export const vault = (name: string): Vault => ({
  version: 1,
  sealed: bytesOf(`vault ${name}`, 100),
  unlockers: [
    {
      unlockerId: idFromBytes<UnlockerId>(bytesOf(`unlocker ${name}`, 16)),
      kind: 'recovery-code',
      credentialId: '',
      wrapped: bytesOf(`wrapped ${name}`, 60),
      createdAt: startMs,
    },
  ],
});

export const session = (name: string, person = name, expiresAt = startMs + dayMs): SessionRecord => ({
  sessionId: sessionOf(name),
  secretHash: bytesOf(`secret ${name}`),
  userId: userOf(person),
  deviceId: null,
  createdAt: startMs,
  expiresAt,
});

export const invite = (name: string, createdAt = startMs): InviteRecord => ({
  inviteId: inviteOf(name),
  tokenHash: bytesOf(`token ${name}`),
  role: 'member',
  createdBy: userOf('owner'),
  createdAt,
  expiresAt: createdAt + 7 * dayMs,
  state: 'open',
  usedBy: null,
});

/** Everything of a new person; `inviteName` null makes the owner. */
export const newAccount = (name: string, inviteName: string | null, changed: Partial<NewAccount> = {}): NewAccount => ({
  account: account(name),
  device: device(name),
  keyPackages: [keyPackage(`${name} first`), keyPackage(`${name} last`, 1, true)],
  vault: vault(name),
  inviteId: inviteName === null ? null : inviteOf(inviteName),
  session: session(name),
  ...changed,
});

export const roster = (
  names: readonly string[],
  epoch = 0,
  changed: Partial<Record<string, Partial<MemberRecord>>> = {},
): Roster => ({
  epoch,
  epochSequence: epoch + 1,
  epochHash: bytesOf(`epoch ${epoch}`),
  owner: userOf(names[0] ?? 'nobody'),
  leaves: names.map((name, index) => ({ index, userId: userOf(name), deviceId: deviceOf(name) })),
  members: names.map((name) => ({ userId: userOf(name), joinedSequence: 1, leaving: false, ...changed[name] })),
});

export const change = (to: Roster, changed: Partial<RosterChange> = {}): RosterChange => ({
  roster: to,
  groupInfo: bytesOf(`group info ${to.epoch}`, 500),
  welcomes: [],
  ...changed,
});

export const welcome = (
  name: string,
  conversation: string,
  sequence: number,
  bytes = bytesOf(`welcome bytes ${name}`, 900),
): Welcome => ({
  welcomeId: welcomeOf(name),
  conversationId: conversationOf(conversation),
  generation: generationOf(conversation),
  suite: 1,
  epoch: 1,
  sequence,
  hash: bytesOf(`hash ${sequence}`),
  bytes,
});

/** A log to append from: entries follow each other with true running hashes. */
export class LogWriter {
  readonly conversationId: ConversationId;
  sequence = 0;
  sentAt = startMs;
  readonly #name: string;
  #hash: Uint8Array<ArrayBuffer>;

  constructor(name: string) {
    this.#name = name;
    this.conversationId = conversationOf(name);
    this.#hash = sha256(chainStart(this.conversationId, generationOf(name)));
  }

  next(kind: EntryKind = 'message', body: Uint8Array<ArrayBuffer> | null = null): Entry {
    this.sequence += 1;
    const written = body ?? bytesOf(`body ${this.#name} ${this.sequence}`, 100);
    const entry = {
      sequence: this.sequence,
      sentAt: this.sentAt,
      kind,
      epoch: 0,
      user: userOf('ann'),
      device: deviceOf('ann'),
      id: messageOf(`${this.#name} ${this.sequence}`),
    };
    this.#hash = sha256(chainInput(this.#hash, this.conversationId, entry, sha256(written)));
    return { ...entry, body: written, hash: this.#hash };
  }

  many(count: number): readonly Entry[] {
    return Array.from({ length: count }, () => this.next());
  }

  /** The record of a conversation that begins with `first`. */
  record(to: Roster, first: Entry): ConversationRecord {
    return {
      conversationId: this.conversationId,
      generation: generationOf(this.#name),
      suite: 1,
      createdAt: first.sentAt,
      creator: to.owner,
      roster: to,
      headSequence: first.sequence,
      headHash: first.hash,
      headSentAt: first.sentAt,
      metaSequence: 0,
      floor: null,
    };
  }
}

const sha256 = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('sha256').update(bytes).digest());
