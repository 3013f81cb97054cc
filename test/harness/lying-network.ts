/**
 * The wire between one client and the server, in the hands of somebody else: every frame may be read, changed,
 * dropped, doubled or held back. The engine behind it is the real one.
 */
import { decodeRequest, decodeServerFrame, encodeAnswer, encodeEvent, encodeRefusal, type ServerFrame } from '#protocol/codec.ts';
import type { CommandName } from '#protocol/commands/index.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import type { EventName, EventPayload } from '#protocol/events.ts';
import type { Network, Socket, SocketHandlers } from '../../web/engine/ports.ts';

/** What a liar may do with one frame from the server: pass on zero, one or several frames in its place. */
export type Lie = (frame: ServerFrame, command: CommandName | null) => readonly ServerFrame[];

/** What a liar says to a request by itself. */
export type Answer = (command: CommandName, input: unknown) => Promise<{ readonly output: unknown } | { readonly code: ErrorCode } | null>;

const bytes = (frame: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(frame);

function encodeServerFrame(frame: ServerFrame): Uint8Array<ArrayBuffer> {
  if (frame.kind === 'answer') return bytes(encodeAnswer(frame.id, frame.output));
  if (frame.kind === 'refusal') return bytes(encodeRefusal(frame.id, frame.code, frame.detail));
  return bytes(encodeEvent(frame.name, frame.payload as EventPayload<EventName>));
}

export class LyingNetwork implements Network {
  /** Honest until told otherwise. */
  lie: Lie = (frame) => [frame];
  /** Answers in the place of the server; null asks it. */
  answer: Answer = () => Promise.resolve(null);
  /** Hears what the server says before it is lied about. */
  overhear: (frame: ServerFrame, command: CommandName | null) => void = () => undefined;
  /** Every frame that crossed, both ways, as bytes: what a tap would see. */
  readonly tapped: Uint8Array[] = [];
  readonly #open = new Set<{ readonly socket: Socket; readonly handlers: SocketHandlers }>();

  constructor(readonly honest: Network) {}

  async post(command: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    this.tapped.push(Buffer.from(JSON.stringify(body) ?? ''));
    const answer = await this.honest.post(command, body);
    this.tapped.push(Buffer.from(JSON.stringify(answer.body) ?? ''));
    return answer;
  }

  connect(handlers: SocketHandlers): Socket {
    const asked = new Map<number, CommandName>();
    const inner = this.honest.connect({
      onOpen: handlers.onOpen,
      onClose: () => {
        this.#open.delete(entry);
        handlers.onClose();
      },
      onFrame: (frame) => {
        this.tapped.push(frame);
        const parsed = decodeServerFrame(frame);
        if (parsed === null) throw new Error('the server sent a frame that does not parse');
        const command = parsed.kind === 'event' ? null : (asked.get(parsed.id) ?? null);
        this.overhear(parsed, command);
        for (const told of this.lie(parsed, command)) handlers.onFrame(encodeServerFrame(told));
      },
    });
    const socket: Socket = {
      send: (frame) => {
        this.tapped.push(frame);
        const request = decodeRequest(frame);
        if (request?.kind !== 'request') return inner.send(frame);
        asked.set(request.id, request.command);
        void this.answer(request.command, request.input).then((own) => {
          if (own === null) inner.send(frame);
          else if ('code' in own) handlers.onFrame(encodeServerFrame({ kind: 'refusal', id: request.id, code: own.code, detail: {} }));
          else handlers.onFrame(encodeServerFrame({ kind: 'answer', id: request.id, output: own.output }));
        });
      },
      close: () => inner.close(),
    };
    const entry = { socket, handlers };
    this.#open.add(entry);
    return socket;
  }

  onOnline(listener: () => void): () => void {
    return this.honest.onOnline(listener);
  }

  /** Cuts every socket, as a lost network would. */
  cut(): void {
    for (const { socket } of this.#open) socket.close();
  }

  /** Hands the server what the client never sent, as whoever copied its cookie could. */
  ask(frame: Uint8Array): void {
    for (const { socket } of this.#open) socket.send(bytes(frame));
  }

  /** Says something that the real server never said. */
  tell(frame: ServerFrame): void {
    for (const { handlers } of this.#open) handlers.onFrame(encodeServerFrame(frame));
  }
}
