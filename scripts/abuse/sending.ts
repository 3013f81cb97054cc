/** Members who send: one message under way each. */
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { commands } from '../../server/protocol/commands/index.ts';
import { idFromBytes, type MessageId } from '../../server/protocol/ids.ts';
import type { CrowdMember } from '../../test/harness/crowd.ts';
import { noiseBody, RawSocket } from '../../test/harness/raw-client.ts';

export class Sender {
  /** Of the last acknowledgement: a message that had seen too little is refused. */
  #seen: { readonly sequence: number; readonly hash: Uint8Array<ArrayBuffer> } | null = null;

  private constructor(
    readonly socket: RawSocket,
    readonly member: CrowdMember,
  ) {}

  static async open(origin: string, member: CrowdMember): Promise<Sender> {
    return new Sender(await RawSocket.open(origin, member.cookie), member);
  }

  /** Resolves with the sequence, once it is acknowledged. */
  async send(bytes: number): Promise<number> {
    const { conversationId, hash } = this.member.place;
    const id = idFromBytes<MessageId>(new Uint8Array(randomBytes(16)));
    const message = { id, epoch: 0, body: noiseBody(this.#seen?.sequence ?? 1, this.#seen?.hash ?? hash, bytes) };
    const frame = await this.socket.call('conversation.send', { conversationId, kind: 'message', message });
    if (frame.kind !== 'answer') throw new Error(`conversation.send: ${JSON.stringify(frame)}`);
    const { receipt } = v.parse(commands['conversation.send'].output, frame.output);
    this.#seen = { sequence: receipt.sequence, hash: new Uint8Array(receipt.hash) };
    return receipt.sequence;
  }
}
