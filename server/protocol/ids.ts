/**
 * Identifiers. Every id is 16 random bytes, written as 22 characters of unpadded base64url (RFC 4648 §5) in its one
 * canonical form. The brand keeps a device id from being passed where a user id is meant.
 */
import * as v from 'valibot';

/** In types only. A named property and no unique symbol: declarations (dist/sdk) could not name that one. */
type Id<Name extends string> = string & { readonly '~id': Name };

export type UserId = Id<'user'>;
export type DeviceId = Id<'device'>;
export type ConversationId = Id<'conversation'>;
/** Chosen by the sending device; makes a send idempotent. */
export type MessageId = Id<'message'>;
/** Identity of one log: changes when a log is made anew (for example after a restore), so old cursors are noticed. */
export type Generation = Id<'generation'>;
export type InviteId = Id<'invite'>;
export type SessionId = Id<'session'>;
export type CeremonyId = Id<'ceremony'>;
export type UnlockerId = Id<'unlocker'>;
export type WelcomeId = Id<'welcome'>;
export type FileId = Id<'file'>;

export const idBytes = 16;
/** 21 characters carry 126 bits, the last one the 2 that are left: its low four bits must be zero. */
const canonical = /^[A-Za-z0-9_-]{21}[AQgw]$/;

const schema = <T extends Id<string>>() =>
  v.custom<T>(
    (input) => typeof input === 'string' && canonical.test(input),
    'must be an id (22 characters of base64url)',
  );

export const UserId = schema<UserId>();
export const DeviceId = schema<DeviceId>();
export const ConversationId = schema<ConversationId>();
export const MessageId = schema<MessageId>();
export const Generation = schema<Generation>();
export const InviteId = schema<InviteId>();
export const SessionId = schema<SessionId>();
export const CeremonyId = schema<CeremonyId>();
export const UnlockerId = schema<UnlockerId>();
export const WelcomeId = schema<WelcomeId>();
export const FileId = schema<FileId>();

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Two characters for each 12 bits: ids are made and read for every message several times. */
const pairs = Array.from({ length: 4096 }, (_, bits) => `${alphabet[bits >> 6]}${alphabet[bits & 63]}`);
const notInAlphabet = 64;
/** Values by character code. */
const values = new Uint8Array(128).fill(notInAlphabet);
for (let value = 0; value < alphabet.length; value += 1) values[alphabet.charCodeAt(value)] = value;

/** Unpadded base64url (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  const whole = bytes.length - (bytes.length % 3);
  for (let at = 0; at < whole; at += 3) {
    const word = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += `${pairs[word >> 12]}${pairs[word & 4095]}`;
  }
  const left = bytes.length - whole;
  if (left === 1) return text + `${pairs[(bytes[whole] ?? 0) << 4]}`;
  if (left === 0) return text;
  const word = ((bytes[whole] ?? 0) << 10) | ((bytes[whole + 1] ?? 0) << 2);
  return `${text}${pairs[word >> 6]}${alphabet[word & 63]}`;
}

/** Writes what `text` stands for into `target` from `at` on; false when it is not in its canonical form. */
function readBase64Url(text: string, target: Uint8Array, at: number): boolean {
  let word = 0;
  let bits = 0;
  let place = at;
  for (let from = 0; from < text.length; from += 1) {
    const code = text.charCodeAt(from);
    const value = code < 128 ? (values[code] ?? notInAlphabet) : notInAlphabet;
    if (value === notInAlphabet) return false;
    word = ((word << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    target[place] = (word >> bits) & 0xff;
    place += 1;
  }
  return (word & ((1 << bits) - 1)) === 0;
}

/** Decodes unpadded base64url; null when a character, the length or the unused trailing bits are not canonical. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  return readBase64Url(text, bytes, 0) ? bytes : null;
}

const idCharacters = 22;

/** Writes the 16 bytes of an id into `target` from `at` on. Throws RangeError on anything that did not pass an id schema. */
export function putId(target: Uint8Array, at: number, id: Id<string>): void {
  if (id.length !== idCharacters || !readBase64Url(id, target, at)) throw new RangeError('not an id');
}

/** The 16 bytes behind an id. Throws RangeError on anything that did not pass an id schema. */
export function bytesOfId(id: Id<string>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(idBytes);
  putId(bytes, 0, id);
  return bytes;
}

/** An id from exactly 16 bytes; the caller names the kind: `idFromBytes<DeviceId>(bytes)`. */
export function idFromBytes<T extends Id<string>>(bytes: Uint8Array): T {
  if (bytes.length !== idBytes) throw new RangeError('an id has 16 bytes');
  return toBase64Url(bytes) as T;
}
