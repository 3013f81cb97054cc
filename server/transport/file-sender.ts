/** The bytes of one download on their way from the disk to the socket, as fast as the peer takes them ([B12]). */
import type { Reading } from '../session/seam.ts';
import type { Span } from '../session/download.ts';
import type { Answer, Exchange } from './http.ts';
import { checkEveryMs } from './upload-body.ts';

export interface Sending {
  readonly reading: Reading;
  readonly span: Span;
  readonly head: Omit<Answer, 'body'>;
  readonly mayGoOn: () => Promise<boolean>;
  readonly monotonic: () => number;
}

export class FileSender {
  readonly #exchange: Exchange;
  readonly #sending: Sending;
  #checkedAt: number;
  #gone = false;
  #wake: () => void = () => undefined;

  constructor(exchange: Exchange, sending: Sending) {
    this.#exchange = exchange;
    this.#sending = sending;
    this.#checkedAt = sending.monotonic();
    exchange.onEnd(() => {
      this.#gone = true;
      this.#wake();
    });
  }

  /**
   * Resolves when the last byte is with the relay, or the peer went away. Rejects before anything was sent as
   * `Reading.read` does; later it cuts the connection first, so that the peer sees a body that is too short.
   */
  async send(): Promise<void> {
    const { reading, span } = this.#sending;
    const length = span.to - span.from;
    let bytes = length === 0 ? new Uint8Array(0) : await reading.read(span.from);
    let position = span.from;
    let begun = false;
    try {
      while (!this.#gone) {
        const piece = bytes.subarray(0, span.to - position);
        await this.#give(piece, position - span.from, length, !begun);
        begun = true;
        position += piece.length;
        if (this.#gone || position >= span.to) return;
        if (!(await this.#mayGoOn())) return this.#exchange.cut();
        bytes = await reading.read(position);
      }
    } catch (cause) {
      if (begun) this.#exchange.cut();
      throw cause;
    }
  }

  /** Resolves when the relay has taken all of the piece. */
  #give(piece: Uint8Array, start: number, total: number, first: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#exchange.stream((res) => {
        const push = (from: number): boolean => {
          const [taken, ended] = res.tryEnd(piece.subarray(from - start), total);
          if (ended) this.#exchange.streamed();
          if (taken || ended) resolve();
          return taken || ended;
        };
        if (first) res.onWritable((offset) => this.#writable(offset));
        this.#push = push;
        res.cork(() => {
          if (first) this.#exchange.begin(this.#sending.head);
          push(start);
        });
      });
    });
  }

  #push: (from: number) => boolean = () => true;

  #writable(offset: number): boolean {
    return this.#push(offset);
  }

  async #mayGoOn(): Promise<boolean> {
    const now = this.#sending.monotonic();
    if (now - this.#checkedAt < checkEveryMs) return true;
    this.#checkedAt = now;
    return this.#sending.mayGoOn();
  }
}
