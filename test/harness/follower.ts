/**
 * A client that follows one conversation over the bare protocol as the engine does: pages from its cursor until live,
 * then events; `lagged` and lost connections mean pages again, after the engine's own pauses.
 */
import * as v from 'valibot';
import { decodeServerFrame, encodeRequest, type ServerFrame } from '#protocol/codec.ts';
import { type CommandName, commands } from '#protocol/commands/index.ts';
import { events } from '#protocol/events.ts';
import { maskedFrame, Wire } from '../../scripts/bench/wire.ts';
import { reconnectPauseMs } from '../../web/engine/connection.ts';
import { Changes } from './changes.ts';
import type { CrowdMember } from './crowd.ts';

export class Follower {
  /** Sequence of the last entry that it has; every one before it was seen once. */
  head: number;
  live = false;
  lagged = 0;
  lost = 0;
  #wire: Wire | null = null;
  #attempts = 0;
  #next = 0;
  #stopped = false;
  readonly #waiting = new Map<number, (frame: ServerFrame) => void>();
  readonly #changes = new Changes();

  constructor(
    readonly port: number,
    readonly member: CrowdMember,
    head = 1,
  ) {
    this.head = head;
  }

  /** Resolves when it is live for the first time since. */
  async start(): Promise<void> {
    void this.#open();
    await this.until(() => this.live);
  }
  pause(): void {
    this.#wire?.socket.pause();
  }
  resume(): void {
    this.#wire?.socket.resume();
  }
  stop(): void {
    this.#stopped = true;
    this.#wire?.close();
  }
  until(condition: () => boolean): Promise<void> {
    return this.#changes.until(condition);
  }

  async #open(): Promise<void> {
    const origin = `http://localhost:${this.port}`;
    try {
      const wire = await Wire.open(this.port, '/api/v1/socket', { origin, cookie: this.member.cookie });
      this.#wire = wire;
      wire.socket.on('close', () => this.#closed());
      wire.onFrame = (payload) => this.#frame(new Uint8Array(payload));
    } catch {
      this.#again();
    }
  }

  #closed(): void {
    this.#wire = null;
    this.live = false;
    this.#waiting.clear();
    if (this.#stopped) return;
    this.lost += 1;
    this.#again();
  }

  #again(): void {
    if (this.#stopped) return;
    this.#attempts += 1;
    setTimeout(() => void this.#open(), reconnectPauseMs(this.#attempts, Math.random()));
    // As the engine: a refused upgrade looks like a lost connection, and only a call tells.
    if (this.#attempts % 3 !== 1) return;
    const origin = `http://localhost:${this.port}`;
    const headers = { origin, cookie: this.member.cookie, 'content-type': 'application/json' };
    fetch(`${origin}/api/v1/session.get`, { method: 'POST', headers, body: '{}' }).then(
      (answer) => answer.text(),
      () => 'unreachable',
    );
  }

  #frame(payload: Uint8Array<ArrayBuffer>): void {
    const frame = decodeServerFrame(payload);
    if (frame === null) throw new Error('a frame that the contract does not know');
    if (frame.kind !== 'event') {
      const waiting = this.#waiting.get(frame.id);
      this.#waiting.delete(frame.id);
      waiting?.(frame);
    } else if (frame.name === 'ready') void this.#synchronise();
    else if (frame.name === 'lagged') {
      this.lagged += 1;
      this.live = false;
      void this.#catchUp();
    } else if (frame.name === 'entry') this.#take([v.parse(events.entry, frame.payload).entry], true);
    this.#changes.tell();
  }

  #take(entries: readonly { readonly sequence: number }[], live: boolean): void {
    for (const { sequence } of entries) {
      // Live events that come while pages are read are in the pages too.
      if (live && !this.live) continue;
      if (sequence !== this.head + 1) throw new Error(`${sequence} follows ${this.head}`);
      this.head = sequence;
    }
  }

  call(command: CommandName, input: unknown): Promise<ServerFrame> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#wire?.write(maskedFrame(encodeRequest(id, command, input)));
    });
  }

  /** What the engine asks for after each connection. */
  async #synchronise(): Promise<void> {
    this.#attempts = 0;
    await this.call('session.get', {});
    await this.call('people.list', {});
    await this.call('conversation.list', {});
    await this.call('welcome.list', {});
    await this.#catchUp();
  }

  async #catchUp(): Promise<void> {
    const wire = this.#wire;
    const { conversationId, generation } = this.member.place;
    if (wire === null) return;
    while (this.#wire === wire) {
      const frame = await this.call('log.tail', { cursors: [{ conversationId, generation, sequence: this.head }] });
      if (frame.kind === 'refusal' && frame.detail.retryAfterMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, frame.detail.retryAfterMs));
        continue;
      }
      if (frame.kind !== 'answer') throw new Error(`log.tail: ${JSON.stringify(frame)}`);
      const [result] = v.parse(commands['log.tail'].output, frame.output).results;
      if (result?.state === 'page') this.#take(result.page.entries, false);
      else if (result?.state === 'live') {
        this.live = true;
        return this.#changes.tell();
      } else if (result?.state === 'refused') throw new Error(result.code);
    }
  }
}
