/** Archives are tar inside age (age-encryption.org/v1), so that the plain `age` and `tar` tools open them too. */
import { createHash } from 'node:crypto';
import { Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';

/** What is wrong with a key or an archive, told to an operator; never a fault of the store. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  constructor(
    readonly code: 'recipient' | 'identity' | 'not_for_identity' | 'damaged' | 'foreign' | 'newer' | 'missing' | 'unwritable' | 'changed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type Bytes = AsyncIterable<Uint8Array>;

/** A new identity (`AGE-SECRET-KEY-1…`) and its recipient (`age1…`). */
export async function newIdentity(): Promise<{ readonly identity: string; readonly recipient: string }> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** Throws ArchiveError('recipient') for a text that is none. */
export function encrypterFor(recipients: readonly string[]): Encrypter {
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new ArchiveError('recipient', `not an age recipient (age1…): ${recipient.slice(0, 12)}…`, { cause });
    }
  }
  if (recipients.length === 0) throw new ArchiveError('recipient', 'no recipient was given');
  return encrypter;
}

export async function* seal(plain: Bytes, recipients: readonly string[]): Bytes {
  const sealed = await encrypterFor(recipients).encrypt(toWeb(plain));
  yield* fromWeb(sealed);
}

/** `identities`: lines of an identity file (`#` begins a comment). Throws ArchiveError. */
export async function* unseal(sealed: Bytes, identities: string): Bytes {
  const decrypter = new Decrypter();
  const keys = identities
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const key of keys) {
    try {
      decrypter.addIdentity(key);
    } catch (cause) {
      throw new ArchiveError('identity', 'the identity file holds a line that is no age identity (AGE-SECRET-KEY-1…)', { cause });
    }
  }
  if (keys.length === 0) throw new ArchiveError('identity', 'the identity file holds no identity');
  try {
    yield* fromWeb(await decrypter.decrypt(toWeb(sealed)));
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause;
    const words = cause instanceof Error ? cause.message : '';
    if (words.includes('no identity matched')) throw new ArchiveError('not_for_identity', 'the archive is not sealed for this identity', { cause });
    throw new ArchiveError('damaged', 'the archive does not open: it is damaged or cut off', { cause });
  }
}

/** Passes bytes on, and tells their number and SHA-256 when all went by. */
export class Measured {
  readonly #hash = createHash('sha256');
  bytes = 0;

  async *of(source: Bytes): Bytes {
    for await (const chunk of source) {
      this.#hash.update(chunk);
      this.bytes += chunk.length;
      yield chunk;
    }
  }
  /** Hex; once. */
  sha256(): string {
    return this.#hash.digest('hex');
  }
}

export async function measure(source: Bytes): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const measured = new Measured();
  for await (const _ of measured.of(source));
  return { bytes: measured.bytes, sha256: measured.sha256() };
}

function toWeb(source: Bytes): ReadableStream<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 4 },
  );
}

async function* fromWeb(stream: ReadableStream<Uint8Array>): Bytes {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

