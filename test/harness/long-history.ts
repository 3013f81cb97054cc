/**
 * A conversation with very many messages, made as a device makes them (sealed, signed, sent over a socket), but many at
 * once: for benches. The engine that made the conversation is closed meanwhile, and comes back with `reopen`.
 */
import { encodeRequest, decodeServerFrame } from '#protocol/codec.ts';
import { type ConversationId, idBytes, idFromBytes, type MessageId } from '#protocol/ids.ts';
import * as v from 'valibot';
import { commands } from '#protocol/commands/index.ts';
import { createEngine } from '../../web/engine/client.ts';
import { BodyCipher, type SeenMark } from '../../web/engine/content/body.ts';
import { encodeContent } from '../../web/engine/content/content.ts';
import type { Network, Socket } from '../../web/engine/ports.ts';
import { account, after, conversations, epochs } from '../../web/engine/store/records.ts';
import { SealedStore } from '../../web/engine/store/sealed-store.ts';
import { openFolderStore } from '../../web/platform/node/folder-store.ts';
import { nodeNetwork } from '../../web/platform/node/network.ts';
import { nodePasskeys } from '../../web/platform/node/passkeys.ts';
import { systemRuntime } from '../../web/platform/runtime.ts';

/** Below `requestsInFlightMax`. */
const inFlight = 48;

export type BenchEngine = Awaited<ReturnType<typeof createEngine>>;

/** A person whose device lives in this process and can be put aside while messages are written in its name. */
export class Author {
  readonly #network: Network;
  #engine: BenchEngine | null = null;
  readonly #seen = new Map<ConversationId, SeenMark>();

  constructor(
    readonly origin: string,
    /** Its device's. */
    readonly folder: string,
  ) {
    this.#network = nodeNetwork(origin);
  }

  async open(): Promise<BenchEngine> {
    this.#engine ??= await createEngine({ runtime: systemRuntime, network: this.#network, store: await openFolderStore(this.folder), passkeys: nodePasskeys });
    return this.#engine;
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    this.#engine = null;
  }

  /** So many a second, by the engine. */
  async pace(conversationId: ConversationId, texts: Iterable<string>, perSecond: number): Promise<void> {
    const engine = await this.open();
    const start = performance.now();
    let sent = 0;
    for (const text of texts) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, start + (sent * 1_000) / perSecond - performance.now())));
      sent += 1;
      await engine.send(conversationId, text);
    }
  }

  /** Caught up with everything that was written in its name. */
  async ready(): Promise<void> {
    const engine = await this.open();
    await engine.synced();
  }

  /** Writes texts into a conversation, as many at once as the server takes; the engine is closed for it. */
  async write(conversationId: ConversationId, texts: Iterable<string>): Promise<number> {
    await this.close();
    const store = await SealedStore.open(await openFolderStore(this.folder));
    const me = await store.get(account);
    const room = await store.get(conversations, conversationId);
    const [latest] = await store.range(epochs, `${conversationId}/`, after(`${conversationId}/`), 1, true);
    if (me === null || room === null || latest === undefined) throw new Error('the author is not in this conversation');
    const epoch = Number.parseInt(latest.name.slice(latest.name.indexOf('/') + 1), 16);
    const secret = { conversation: conversationId, epoch, contentKey: latest.value.contentKey };
    const cipher = new BodyCipher(systemRuntime);
    const wire = await Pipe.open(this.#network);
    const cursor = { seenSequence: room.cursor.sequence, seenHash: room.cursor.hash };
    let seen: SeenMark = this.#seen.get(conversationId) ?? cursor;
    if (cursor.seenSequence > seen.seenSequence) seen = cursor;
    let count = 0;
    const source = texts[Symbol.iterator]();
    const worker = async (): Promise<void> => {
      for (let next = source.next(); next.done !== true; next = source.next()) {
        const id = idFromBytes<MessageId>(systemRuntime.random(idBytes));
        const sealed = await cipher.seal(secret, { device: me.deviceId, id, kind: 'message' }, seen, encodeContent({ type: 'text', text: next.value }), store.keys);
        if (!sealed.ok) throw new Error('too long');
        const answer = await wire.call('conversation.send', { conversationId, kind: 'message', message: { id, epoch, body: sealed.body } });
        const { receipt } = v.parse(commands['conversation.send'].output, answer);
        if (receipt.sequence > seen.seenSequence) seen = { seenSequence: receipt.sequence, seenHash: receipt.hash };
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    wire.close();
    await store.close();
    this.#seen.set(conversationId, seen);
    return count;
  }
}

/** A socket of the author's session, without an engine behind it. */
class Pipe {
  readonly #waiting = new Map<number, { resolve(output: unknown): void; reject(cause: Error): void }>();
  #serial = 0;
  #socket: Socket | null = null;

  static async open(network: Network): Promise<Pipe> {
    const pipe = new Pipe();
    await new Promise<void>((resolve, reject) => {
      pipe.#socket = network.connect({
        onOpen: () => undefined,
        onFrame: (bytes) => {
          const frame = decodeServerFrame(bytes);
          if (frame?.kind === 'event') return resolve();
          if (frame === null) return undefined;
          const asked = pipe.#waiting.get(frame.id);
          pipe.#waiting.delete(frame.id);
          if (frame.kind === 'answer') asked?.resolve(frame.output);
          else asked?.reject(new Error(frame.code));
        },
        onClose: () => {
          reject(new Error('closed'));
          for (const { reject: lost } of pipe.#waiting.values()) lost(new Error('closed'));
        },
      });
    });
    return pipe;
  }

  call(command: 'conversation.send', input: unknown): Promise<unknown> {
    this.#serial += 1;
    const id = this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket?.send(encodeRequest(id, command, input));
    });
  }

  close(): void {
    this.#socket?.close();
  }
}

const chinese = ['今天的会议改到下午三点', '请把合同发到法务邮箱', '港口的起重机已经修好', '午夜之前换班记得带手电筒', '供应商明天上午送货', '服务器迁移定在周六凌晨', '发票需要重新开一张', '这份报告我再看一遍', '客户对新版界面很满意', '仓库还有两百箱库存'];
const english = ['the crane on pier seven is green', 'please review the contract before noon', 'seventeen boats are late tonight', 'the invoice needs a second signature', 'we ship the release on Thursday', 'the warehouse counts two hundred boxes', 'backup finished without errors', 'lunch is at the harbour canteen', 'the customer likes the new screen', 'see https://wiki.example.org/page'];

/** Sentences in two languages, each with a number of its own: the same every time. */
export function* sentences(count: number, from = 0): Generator<string> {
  for (let at = from; at < from + count; at += 1) {
    const zh = chinese[(at * 7) % chinese.length] ?? '';
    const en = english[(at * 3) % english.length] ?? '';
    const more = at % 5 === 0 ? `，${chinese[(at * 11 + 3) % chinese.length] ?? ''}` : '';
    yield at % 2 === 0 ? `${zh}${more} #${at}` : `${en} #${at}`;
  }
}
