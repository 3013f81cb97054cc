/**
 * Signed tree heads: C2SP tlog-checkpoint in a C2SP signed note with one Ed25519 signature.
 *
 *     origin\n size\n base64(root)\n \n — name base64(key id 4 · signature 64)\n
 *
 * Key id: the first 4 bytes of SHA-256(name · "\n" · 0x01 · public key); verifier key: name+hex(key id)+base64(0x01 · public key).
 */
import type { Digest } from './merkle.ts';

export interface TreeHead {
  /** Name of the log, and of the key that signs it; without spaces and plus signs. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array<ArrayBuffer>;
}

export interface Checkpoint extends TreeHead {
  /** What is signed, up to and with the line end before the empty line. */
  readonly text: string;
  readonly keyId: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

const ed25519 = 1;
const keyIdBytes = 4;
const signatureBytes = 64;
const publicKeyBytes = 32;
const rootBytes = 32;
const utf8 = new TextEncoder();

/** Each log has a name, and so a key name, of its own. */
export const logNameOf = (origin: string, log: 'audit' | 'directory' = 'audit'): string =>
  `${new URL(origin).host}/lanying-${log}`;
export const isLogName = (name: string): boolean => /^[^\s+]{1,255}$/u.test(name);

/** Base64 with padding (RFC 4648 §4). */
const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const keyIdOf = (digest: Digest, name: string, publicKey: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(digest(joined(utf8.encode(`${name}\n`), Uint8Array.of(ed25519), publicKey))).slice(0, keyIdBytes);

export function verifierKey(digest: Digest, name: string, publicKey: Uint8Array): string {
  const hex = [...keyIdOf(digest, name, publicKey)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${name}+${hex}+${toBase64(joined(Uint8Array.of(ed25519), publicKey))}`;
}

/** Null for anything but the verifier key of an Ed25519 key whose key id fits. */
export function parseVerifierKey(
  digest: Digest,
  text: string,
): { readonly name: string; readonly publicKey: Uint8Array<ArrayBuffer> } | null {
  const [, name, , encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text) ?? [];
  const bytes = encoded === undefined ? null : fromBase64(encoded);
  if (name === undefined || bytes?.length !== 1 + publicKeyBytes || bytes[0] !== ed25519) return null;
  const publicKey = bytes.slice(1);
  return verifierKey(digest, name, publicKey) === text ? { name, publicKey } : null;
}

export const checkpointText = ({ origin, size, root }: TreeHead): string => `${origin}\n${size}\n${toBase64(root)}\n`;

export const signedNote = (text: string, name: string, keyId: Uint8Array, signature: Uint8Array): string =>
  `${text}\n— ${name} ${toBase64(joined(keyId, signature))}\n`;

/** One signed tree head, or null for any other text. The signature is not checked yet. */
export function parseCheckpoint(note: string): Checkpoint | null {
  const [, text, origin, size, root, name, sealed] =
    /^((\S+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]+)\n)\n— (\S+) ([A-Za-z0-9+/=]+)\n$/u.exec(note) ?? [];
  if (text === undefined || origin === undefined || root === undefined || sealed === undefined || name !== origin)
    return null;
  const hash = fromBase64(root);
  const signed = fromBase64(sealed);
  if (
    hash?.length !== rootBytes ||
    signed?.length !== keyIdBytes + signatureBytes ||
    !Number.isSafeInteger(Number(size))
  )
    return null;
  return {
    text,
    origin,
    size: Number(size),
    root: hash,
    keyId: signed.slice(0, keyIdBytes),
    signature: signed.slice(keyIdBytes),
  };
}

/** The notes in a file to which they were appended one after the other; null when something else is in it. */
export function parseCheckpoints(file: string): readonly Checkpoint[] | null {
  const notes = file.match(/(?:[^\n]+\n){3}\n— [^\n]+\n/gu) ?? [];
  if (notes.join('') !== file) return null;
  const parsed = notes.map(parseCheckpoint);
  const whole = parsed.filter((checkpoint) => checkpoint !== null);
  return whole.length === parsed.length ? whole : null;
}

export const signedBytesOf = ({ text }: Pick<Checkpoint, 'text'>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(utf8.encode(text));
