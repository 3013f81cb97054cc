/** Answers and bodies over uWebSockets.js. A response is touched only until it ended or was aborted. */
import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from 'uWebSockets.js';
import type { Headers } from './headers.ts';

/** From the head of a request until its body is whole. */
const bodyTimeoutMs = 15_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string | Uint8Array;
}

/** Memory that bodies of all requests may hold together, so that many slow senders cannot use it up. */
export class BodyBudget {
  #left: number;
  constructor(bytesMax: number) {
    this.#left = bytesMax;
  }
  /** False: there is not that much left, and nothing was taken. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}

/** Bytes that one body may hold: of somebody unknown from a smaller budget and from that of their address too. */
export interface BodyShare {
  take(bytes: number): boolean;
  /** A live session stands behind it: from now on only the budget of all counts. */
  vouch(): void;
  giveBack(): void;
}

export class BodyBudgets {
  readonly #all: BodyBudget;
  readonly #guests: BodyBudget;
  readonly #ofAddressMax: number;
  /** Addresses of bodies under way, and how many these are. */
  readonly #addresses = new Map<string, { readonly budget: BodyBudget; uses: number }>();

  constructor(allMax: number, guestsMax: number, ofAddressMax: number) {
    this.#all = new BodyBudget(allMax);
    this.#guests = new BodyBudget(guestsMax);
    this.#ofAddressMax = ofAddressMax;
  }

  share(address: string): BodyShare {
    const own = this.#addresses.get(address) ?? { budget: new BodyBudget(this.#ofAddressMax), uses: 0 };
    own.uses += 1;
    this.#addresses.set(address, own);
    let budgets = [this.#all, this.#guests, own.budget];
    let held = 0;
    const vouch = (): void => {
      for (const budget of budgets.slice(1)) budget.giveBack(held);
      budgets = [this.#all];
    };
    return {
      take: (bytes) => {
        const taken: BodyBudget[] = [];
        for (const budget of budgets) {
          if (!budget.take(bytes)) {
            for (const each of taken) each.giveBack(bytes);
            return false;
          }
          taken.push(budget);
        }
        held += bytes;
        return true;
      },
      vouch,
      giveBack: () => {
        vouch();
        this.#all.giveBack(held);
        held = 0;
        own.uses -= 1;
        if (own.uses === 0) this.#addresses.delete(address);
      },
    };
  }
}

export type ReadBody =
  | { readonly kind: 'whole'; readonly body: Uint8Array }
  | { readonly kind: 'too-large' }
  /** The budget is used up at the moment. */
  | { readonly kind: 'no-room' }
  /** The peer went away or was too slow; nothing can be answered any more. */
  | { readonly kind: 'cut' };

interface Timers {
  after(delayMs: number, run: () => void): { cancel(): void };
}

/** One request's response with its life: attach first (HOUSE rule 10), then anything else. */
export class Exchange {
  readonly #res: HttpResponse;
  readonly #security: Headers;
  #open = true;
  readonly #ended: (() => void)[] = [];

  constructor(res: HttpResponse, security: Headers) {
    this.#res = res;
    this.#security = security;
    res.onAborted(() => this.#finish());
  }

  get open(): boolean {
    return this.#open;
  }
  /** Runs when the exchange ended either way; at once when it has. */
  onEnd(run: () => void): void {
    if (this.#open) this.#ended.push(run);
    else run();
  }

  /** Does nothing when the peer has gone. `headOnly`: the headers of that body, without it. */
  answer(answer: Answer, headOnly = false): void {
    if (!this.#open) return;
    this.#finish();
    this.#res.cork(() => {
      this.#writeHead(answer);
      // RFC 9110 §8.6: no Content-Length with 204.
      if (answer.status === 204) this.#res.endWithoutBody();
      else if (headOnly) this.#res.endWithoutBody(Buffer.byteLength(answer.body));
      else this.#res.end(answer.body);
    });
  }

  /**
   * An answer to a request of which nobody knows where it ends, and the end of its connection. Not in the turn in which it
   * came: the relay goes on to the next request of the same bytes only when this one was answered at once, else it cuts.
   */
  answerAndClose(answer: Answer, timers: Timers): void {
    timers.after(0, () => {
      if (!this.#open) return;
      this.#finish();
      this.#res.cork(() => {
        this.#writeHead(answer);
        this.#res.end(answer.body, true);
      });
    });
  }

  /** For who streams: the response, only while it is open. */
  stream(use: (res: HttpResponse) => void): void {
    if (this.#open) use(this.#res);
  }
  /** Status and headers of an answer whose body is streamed; call it corked. */
  begin(head: Omit<Answer, 'body'>): void {
    if (this.#open) this.#writeHead(head);
  }
  /** An answer to HEAD: the length of the body that it leaves out. */
  answerHead(head: Omit<Answer, 'body'>, length: number): void {
    if (!this.#open) return;
    this.#finish();
    this.#res.cork(() => {
      this.#writeHead(head);
      this.#res.endWithoutBody(length);
    });
  }
  /** The last byte of a streamed body was taken: the response is nobody's any more. */
  streamed(): void {
    this.#finish();
  }
  /** Cuts the connection. */
  cut(): void {
    if (this.#open) this.#res.close();
  }

  /** Gives the response away, for an upgrade. */
  release(use: (res: HttpResponse) => void): void {
    if (!this.#open) return;
    this.#finish();
    this.#res.cork(() => use(this.#res));
  }

  /**
   * Collects the body in memory of our own, at most bytesMax. `done` hears of it once. A peer that takes longer than
   * bodyTimeoutMs is cut off (the relay itself cuts who sends less than 160 KiB in its 10 s). The share goes back when the
   * exchange ends.
   */
  readBody(bytesMax: number, share: BodyShare, timers: Timers, done: (read: ReadBody) => void): void {
    const chunks: Uint8Array[] = [];
    let length = 0;
    let settled = false;
    const timer = timers.after(bodyTimeoutMs, () => {
      if (!settled && this.#open) this.#res.close();
    });
    this.onEnd(() => {
      timer.cancel();
      share.giveBack();
      if (!settled) settle({ kind: 'cut' });
    });
    const settle = (read: ReadBody): void => {
      settled = true;
      timer.cancel();
      chunks.length = 0;
      done(read);
    };
    this.#res.onData((chunk, isLast) => {
      if (settled || !this.#open) return;
      if (length + chunk.byteLength > bytesMax) return settle({ kind: 'too-large' });
      if (!share.take(chunk.byteLength)) return settle({ kind: 'no-room' });
      length += chunk.byteLength;
      // The relay neuters its buffer when this returns.
      chunks.push(new Uint8Array(chunk.slice(0)));
      if (isLast) settle({ kind: 'whole', body: new Uint8Array(Buffer.concat(chunks)) });
    });
  }

  #writeHead({ status, headers }: Omit<Answer, 'body'>): void {
    this.#res.writeStatus(`${status} ${STATUS_CODES[status] ?? 'Status'}`);
    for (const [name, value] of [...this.#security, ...headers]) this.#res.writeHeader(name, value);
  }

  #finish(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const run of this.#ended) run();
    this.#ended.length = 0;
  }
}

export const jsonAnswer = (status: number, body: string, headers: Headers = []): Answer => ({
  status,
  headers: [['content-type', 'application/json; charset=utf-8'], ['cache-control', 'no-store'], ...headers],
  body,
});
export const textAnswer = (status: number, body: string, headers: Headers = []): Answer => ({
  status,
  headers: [['content-type', 'text/plain; charset=utf-8'], ['cache-control', 'no-store'], ...headers],
  body,
});
