/** What the relay's rows share: an owner with sockets, conversations, and frames of messages made beforehand. */
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { encodeRequest } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import { idFromBytes, type MessageId } from '#protocol/ids.ts';
import type { Conversation } from '#protocol/model.ts';
import type { Appliance } from '../../test/harness/appliance.ts';
import { anotherSession, noiseBody, type RawAccount, type RawSocket } from '../../test/harness/raw-client.ts';
import { isAnswer, isEvent, maskedFrame, Wire } from './wire.ts';

export const bodyBytes = 1_024;
/** Characters of a message id. */
export const idLength = 22;
const socketsPerSession = 30;

export interface Bench {
  readonly appliance: Appliance;
  readonly account: RawAccount;
  /** For everything that is not measured. */
  readonly control: RawSocket;
}

/** As many sockets of the one device as are wanted, over as many sessions as that takes. */
export async function openWires({ appliance, account }: Bench, count: number): Promise<readonly Wire[]> {
  const wires: Wire[] = [];
  while (wires.length < count) {
    const cookie = await anotherSession(appliance.origin, account);
    const batch = Math.min(socketsPerSession, count - wires.length);
    const opened = await Promise.all(
      Array.from({ length: batch }, async () => {
        const wire = await Wire.open(appliance.port, '/api/v1/socket', { origin: appliance.origin, cookie });
        // Its `ready`; what is sent before would wait at the server.
        await wire.greeted();
        return wire;
      }),
    );
    wires.push(...opened);
  }
  return wires;
}

export async function current({ control }: Bench, conversation: Conversation): Promise<Conversation> {
  const answer = await control.call('conversation.get', { conversationId: conversation.conversationId });
  if (answer.kind !== 'answer') throw new Error(`conversation.get: ${JSON.stringify(answer)}`);
  return v.parse(commands['conversation.get'].output, answer.output).conversation;
}

/** Puts the socket live on the conversation from its head on. */
export async function tail(wire: Wire, conversation: Conversation): Promise<void> {
  const { conversationId, generation, headSequence: sequence } = conversation;
  await ask(wire, encodeRequest(1, 'log.tail', { cursors: [{ conversationId, generation, sequence }] }));
}

/** Sends one frame and resolves with the payload of its answer. Throws for a refusal. */
export function ask(wire: Wire, request: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    wire.onFrame = (payload) => {
      if (isAnswer(payload)) resolve(Buffer.from(payload));
      else if (!isEvent(payload)) reject(new Error(`refused: ${payload.toString('latin1')}`));
    };
    wire.write(maskedFrame(request));
  });
}

/** A ready frame of one send; `next` gives it another message id, in place. */
export class SendFrame {
  readonly frame: Buffer;
  readonly #at: number;
  #count = 0;
  readonly #base = randomBytes(16);

  constructor(conversation: Conversation, id = 1) {
    const body = noiseBody(conversation.headSequence, new Uint8Array(conversation.headHash), bodyBytes);
    const messageId = idFromBytes<MessageId>(this.#base);
    const message = { id: messageId, epoch: conversation.epoch, body };
    this.frame = maskedFrame(
      encodeRequest(id, 'conversation.send', { conversationId: conversation.conversationId, kind: 'message', message }),
    );
    this.#at = this.frame.indexOf(messageId, 0, 'latin1');
  }

  /** What all its message ids begin with. */
  get idHead(): string {
    return idFromBytes<MessageId>(this.#base).slice(0, 8);
  }

  /** Message id that a copy of the frame carries. */
  idOf(frame: Buffer): string {
    return frame.toString('latin1', this.#at, this.#at + idLength);
  }

  next(): Buffer {
    this.#count += 1;
    this.#base.writeUInt32BE(this.#count, 8);
    this.frame.write(idFromBytes<MessageId>(this.#base), this.#at, 'latin1');
    return this.frame;
  }
}
