/**
 * The register of purges beside the database: which logs, files, audit entries and accounts went, and the rules and
 * holds, so that a database that was put back from an older copy is purged again, under the present rules, before it
 * serves. A file of frames: length 4 · sealed record; the record's place in the file is its associated data. Appended
 * and synced; a last frame that a power cut tore was never told to anybody and is overwritten.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '#protocol/cbor.ts';
import { Hash, Sequence, Timestamp, uint64 } from '#protocol/envelope.ts';
import { ConversationId, Generation, UserId } from '#protocol/ids.ts';
import { ErasureScope, Hold, RetentionPolicy } from '#protocol/retention.ts';
import { isNewer, type PurgeRegister, type Registered, registerPlace } from '../../ports/retention-store.ts';
import { CorruptionError, StoreFailure } from '../../ports/store.ts';
import { joinBytes, uint32 } from '../bytes.ts';
import { readIfThere, syncFolder, writeAt, writeWhole } from '../durable-files.ts';
import { type RecordCipher, sealingBytes } from '../sealed/record-cipher.ts';

const Floor = v.strictObject({
  conversationId: ConversationId,
  generation: Generation,
  floor: v.strictObject({ sequence: Sequence, hash: Hash, sentAt: Timestamp, day: Sequence, purgedAt: Timestamp }),
});
const Thing: v.GenericSchema<unknown, Registered> = v.variant('kind', [
  v.strictObject({ kind: v.literal('floor'), ...Floor.entries }),
  v.strictObject({ kind: v.literal('files'), conversationId: ConversationId, before: Timestamp }),
  v.strictObject({ kind: v.literal('audit'), before: Timestamp }),
  v.strictObject({ kind: v.literal('person'), userId: UserId, scope: ErasureScope, goneAt: Timestamp }),
  v.strictObject({ kind: v.literal('policy'), policy: RetentionPolicy }),
  v.strictObject({ kind: v.literal('hold'), hold: Hold }),
]);
/** Before there was anything else, frames were floors without a kind. */
const Frame = v.union([
  Thing,
  v.pipe(
    Floor,
    v.transform((floor): Registered => ({ kind: 'floor', ...floor })),
  ),
]);
const frameBytesMax = 4096;
const sectorBytes = 512;
/** The file is written anew when it has so many frames more than twice its things. */
const slack = 256;

interface Contents {
  /** By place. */
  readonly things: Map<string, Registered>;
  frames: number;
  /** Where the next frame goes. */
  end: number;
}

export class FilePurgeRegister implements PurgeRegister {
  readonly #path: string;
  readonly #cipher: RecordCipher;
  readonly #broken: (failure: StoreFailure) => void;
  #contents: Contents | null = null;
  #failure: StoreFailure | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  /** `cipher` of the family `purged`. `broken` hears of a sync that failed ([Z3]); nothing is taken from then on. */
  constructor(path: string, cipher: RecordCipher, broken: (failure: StoreFailure) => void = () => undefined) {
    this.#path = path;
    this.#cipher = cipher;
    this.#broken = broken;
  }

  async read(): Promise<readonly Registered[]> {
    return [...(await this.#load()).things.values()];
  }

  add(things: readonly Registered[]): Promise<void> {
    const added = this.#tail
      .then(() => this.#add(things))
      .catch((cause: unknown) => {
        if (cause instanceof StoreFailure) this.#fail(cause);
        // What is in memory may not be in the file: it is read again.
        this.#contents = null;
        throw cause;
      });
    this.#tail = added.catch(() => undefined);
    return added;
  }

  #fail(failure: StoreFailure): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#broken(failure);
  }

  async #add(things: readonly Registered[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const contents = await this.#load();
    const fresh = things.filter((thing) => {
      const known = contents.things.get(registerPlace(thing));
      return known === undefined || isNewer(thing, known);
    });
    if (fresh.length === 0) return;
    for (const thing of fresh) contents.things.set(registerPlace(thing), thing);
    if (contents.frames + fresh.length > 2 * contents.things.size + slack) return this.#rewrite(contents);
    const frames = joinBytes(...fresh.map((thing, at) => this.#frame(contents.frames + at, thing)));
    const isNew = contents.end === 0;
    if (isNew) await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await writeAt(this.#path, contents.end, frames);
    if (isNew) await syncFolder(dirname(this.#path));
    contents.frames += fresh.length;
    contents.end += frames.length;
  }

  async #rewrite(contents: Contents): Promise<void> {
    const things = [...contents.things.values()];
    const bytes = joinBytes(...things.map((thing, at) => this.#frame(at, thing)));
    await writeWhole(this.#path, bytes);
    contents.frames = things.length;
    contents.end = bytes.length;
  }

  #frame(place: number, thing: Registered): Uint8Array<ArrayBuffer> {
    const sealed = this.#cipher.seal(uint64(place), encodeCbor(thing));
    return joinBytes(uint32(sealed.length), sealed);
  }

  /** Throws CorruptionError('purged') when a frame does not open that no power cut left so: another key, or a damaged file. */
  async #load(): Promise<Contents> {
    if (this.#contents !== null) return this.#contents;
    const file = (await readIfThere(this.#path)) ?? new Uint8Array(0);
    const contents: Contents = { things: new Map(), frames: 0, end: 0 };
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    while (contents.end + 4 <= file.length) {
      const next = contents.end + 4 + view.getUint32(contents.end);
      const thing = next > file.length ? null : this.#opened(contents.frames, file.subarray(contents.end + 4, next));
      if (thing === null) {
        if (this.#isTorn(contents, file, next)) break;
        const why = 'the register of purges does not open: another master key, or a damaged file';
        throw new CorruptionError('purged', why);
      }
      contents.things.set(registerPlace(thing), thing);
      contents.frames += 1;
      contents.end = next;
    }
    this.#contents = contents;
    return contents;
  }

  /**
   * What a power cut leaves of the last frame: its beginning, or all of its length with a sector that was never written.
   * A whole frame behind a damaged length is neither.
   */
  #isTorn({ frames, end }: Contents, file: Uint8Array, next: number): boolean {
    const claimed = next - end - 4;
    if (claimed > frameBytesMax || next < file.length || (next === file.length && !hasHole(file, end))) return false;
    const longest = Math.min(frameBytesMax, file.length - end - 4);
    for (let length = sealingBytes; length <= longest; length += 1)
      if (this.#opened(frames, file.subarray(end + 4, end + 4 + length)) !== null) return false;
    return true;
  }

  #opened(place: number, sealed: Uint8Array): Registered | null {
    try {
      return v.parse(Frame, decodeCbor(this.#cipher.open(uint64(place), sealed)));
    } catch (cause) {
      if (cause instanceof CorruptionError) return null;
      throw cause;
    }
  }
}

/** A sector, or the part of one, from `start` on that holds zeros alone: sealed bytes never do. */
function hasHole(file: Uint8Array, start: number): boolean {
  for (let at = start; at < file.length;) {
    const end = Math.min(file.length, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    if (file.subarray(at, end).every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}
