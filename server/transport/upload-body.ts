/** The body of one upload on its way from the socket to the disk, never more of it in memory than the disk is behind ([B12]). */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Checksum } from '../session/tus.ts';
import { uploadStallBytesMin, uploadStallMs } from '#protocol/limits.ts';
import type { Appending, Runtime } from '../session/seam.ts';
import type { BodyBudget, Exchange } from './http.ts';

/** How often a transfer under way asks whether it may go on. */
export const checkEveryMs = 1_000;

export type BodyEnd =
  | { readonly kind: 'whole' }
  | { readonly kind: 'too-long' }
  /** The checksum is another. */
  | { readonly kind: 'damaged' }
  /** The peer went away, or somebody else needs the file. */
  | { readonly kind: 'cut' }
  /** Too many bytes of all peers wait for their first answer. */
  | { readonly kind: 'no-room' }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'failed'; readonly cause: unknown };

export interface Sink {
  readonly appending: Appending;
  /** Bytes that the file still takes. */
  readonly bytesMax: number;
  readonly checksum: Checksum | null;
  readonly mayGoOn: () => Promise<boolean>;
}

export class UploadBody {
  readonly #exchange: Exchange;
  readonly #budget: BodyBudget;
  readonly #monotonic: () => number;
  /** What came before there was a file to write to: at most one read of the socket, which is paused then. */
  #early: { readonly bytes: Uint8Array; readonly isLast: boolean }[] = [];
  #sink: (Sink & { readonly hash: ReturnType<typeof createHash> | null }) | null = null;
  #length = 0;
  #checkedAt: number;
  #end: BodyEnd | null = null;
  #tell: (end: BodyEnd) => void = () => undefined;
  /** Bytes since the last look, and whether the disk (not the peer) was waited for. */
  #recent = 0;
  #waited = false;

  /** In the same turn as the request: what comes later would be lost. */
  constructor(exchange: Exchange, budget: BodyBudget, runtime: Pick<Runtime, 'monotonic' | 'every'>, stalled: () => void) {
    this.#exchange = exchange;
    this.#budget = budget;
    this.#monotonic = () => runtime.monotonic();
    this.#checkedAt = runtime.monotonic();
    // [Q4] The relay's own clock begins anew whenever reading goes on.
    const look = runtime.every(uploadStallMs, () => {
      if (this.#end !== null || this.#moved()) return;
      stalled();
      this.stop();
    });
    exchange.onEnd(() => {
      look.cancel();
      this.#settle({ kind: 'cut' });
    });
    exchange.stream((res) => res.onData((chunk, isLast) => this.#arrived(new Uint8Array(chunk), isLast)));
  }

  /** Writes everything that comes into the sink; resolves when that ended, with the last bytes taken but not synced. */
  into(sink: Sink): Promise<BodyEnd> {
    const { checksum } = sink;
    this.#sink = { ...sink, hash: checksum === null ? null : createHash(checksum.algorithm) };
    const ended = new Promise<BodyEnd>((resolve) => {
      this.#tell = resolve;
      if (this.#end !== null) resolve(this.#end);
    });
    for (const { bytes, isLast } of this.#takeEarly()) this.#feed(bytes, isLast);
    if (this.#end === null) this.#exchange.stream((res) => res.resume());
    return ended;
  }

  /** Somebody else needs the file. */
  stop(): void {
    this.#settle({ kind: 'cut' });
    this.#exchange.cut();
  }

  /** The rest is of no interest: the relay reads it away. */
  discard(): void {
    this.#settle({ kind: 'cut' });
    this.#exchange.stream((res) => res.resume());
  }

  #moved(): boolean {
    const moved = this.#waited || this.#recent >= uploadStallBytesMin;
    this.#recent = 0;
    return moved;
  }

  /** The relay takes its buffer back when this returns. */
  #arrived(view: Uint8Array, isLast: boolean): void {
    if (this.#end !== null) return;
    if (this.#sink !== null) return this.#feed(view, isLast);
    if (!this.#budget.take(view.length)) return this.#settle({ kind: 'no-room' });
    this.#early.push({ bytes: new Uint8Array(view), isLast });
    this.#exchange.stream((res) => res.pause());
  }

  #feed(bytes: Uint8Array, isLast: boolean): void {
    const sink = this.#sink;
    if (sink === null || this.#end !== null) return;
    this.#length += bytes.length;
    this.#recent += bytes.length;
    if (this.#length > sink.bytesMax) return this.#settle({ kind: 'too-long' });
    sink.hash?.update(bytes);
    const behind = sink.appending.write(bytes);
    if (isLast) return this.#last(behind);
    const asked = this.#ask(sink);
    const waits = [behind, asked].filter((wait) => wait !== null);
    if (waits.length === 0) return;
    this.#exchange.stream((res) => res.pause());
    this.#waited = true;
    Promise.all(waits).then(
      () => {
        this.#waited = false;
        if (this.#end === null) this.#exchange.stream((res) => res.resume());
      },
      (cause: unknown) => this.#settle({ kind: 'failed', cause }),
    );
  }

  #last(behind: Promise<void> | null): void {
    const ended = (): void => this.#settle(this.#matches() ? { kind: 'whole' } : { kind: 'damaged' });
    if (behind === null) return ended();
    behind.then(ended, (cause: unknown) => this.#settle({ kind: 'failed', cause }));
  }

  #ask(sink: Sink): Promise<void> | null {
    const now = this.#monotonic();
    if (now - this.#checkedAt < checkEveryMs) return null;
    this.#checkedAt = now;
    return sink.mayGoOn().then((may) => {
      if (!may) this.#settle({ kind: 'forbidden' });
    });
  }

  #matches(): boolean {
    const { checksum = null, hash = null } = this.#sink ?? {};
    return checksum === null || hash === null || timingSafeEqual(hash.digest(), checksum.digest);
  }

  #takeEarly(): readonly { readonly bytes: Uint8Array; readonly isLast: boolean }[] {
    const early = this.#early;
    this.#early = [];
    this.#budget.giveBack(early.reduce((sum, { bytes }) => sum + bytes.length, 0));
    return early;
  }

  #settle(end: BodyEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#takeEarly();
    this.#tell(end);
  }
}
