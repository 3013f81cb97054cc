/** A server that lies to one client with care: whatever it changes in a log, it works the running hashes out anew. */
import * as v from 'valibot';
import { decodeRequest, type ServerFrame } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import type { Entry } from '#protocol/envelope.ts';
import { events } from '#protocol/events.ts';
import type { ConversationId } from '#protocol/ids.ts';
import type { Conversation as Summary } from '#protocol/model.ts';
import { hashEntry } from '../../web/engine/content/chain.ts';
import { joinByExternalCommit } from '../../web/engine/mls/index.ts';
import type { AccountState } from '../../web/engine/store/records.ts';
import type { SealedStore } from '../../web/engine/store/sealed-store.ts';
import { systemRuntime } from '../../web/platform/runtime.ts';
import type { LyingNetwork } from './lying-network.ts';

/** What the victim is to see in place of one live entry; sequence and hash are given by the liar. */
export type Rewrite = (entry: Entry) => readonly Entry[];

interface Told {
  readonly sequence: number;
  readonly hash: Uint8Array<ArrayBuffer>;
}

export const entryOf = (frame: ServerFrame): v.InferOutput<typeof events.entry> | null =>
  frame.kind === 'event' && frame.name === 'entry' ? v.parse(events.entry, frame.payload) : null;

/** Changes the summaries in every frame that carries some. */
export function summariesIn(frame: ServerFrame, command: string | null, change: (summary: Summary) => Summary): ServerFrame {
  if (frame.kind === 'event' && frame.name === 'conversation') {
    return { ...frame, payload: { conversation: change(v.parse(events.conversation, frame.payload).conversation) } };
  }
  if (frame.kind !== 'answer' || command !== 'conversation.list') return frame;
  const page = v.parse(commands['conversation.list'].output, frame.output);
  return { ...frame, output: { ...page, conversations: page.conversations.map(change) } };
}

export class Liar {
  readonly #told = new Map<ConversationId, Told>();

  /** Honest for now; it only remembers what the victim has been told, from each conversation's next live entry on. */
  constructor(readonly network: LyingNetwork) {
    this.honest();
  }

  honest(): void {
    this.rewrite((entry) => [entry]);
  }

  /** From now on every live entry of every conversation passes through here, in a chain that fits by itself. */
  rewrite(change: Rewrite): void {
    this.network.lie = (frame) => {
      const live = entryOf(frame);
      if (live === null) return [frame];
      const { conversationId, generation, entry } = live;
      return change(entry).map((said) => ({ kind: 'event', name: 'entry', payload: { conversationId, generation, entry: this.#chained(conversationId, entry, said) } }));
    };
  }

  #chained(conversationId: ConversationId, honest: Entry, said: Entry): Entry {
    const before = this.#told.get(conversationId);
    if (before === undefined) {
      this.#told.set(conversationId, { sequence: honest.sequence, hash: honest.hash });
      return said;
    }
    const sequence = before.sequence + 1;
    const entry = { ...said, sequence };
    const hash = hashEntry(before.hash, conversationId, entry);
    this.#told.set(conversationId, { sequence, hash });
    return { ...entry, hash };
  }
}

/** What the server could make with the group info that it keeps (`wire` is where it was handed in) and a person of the organisation as accomplice. */
export async function forgeJoin(wire: LyingNetwork, state: AccountState, store: SealedStore, id: ConversationId): Promise<Uint8Array<ArrayBuffer>> {
  const created = wire.tapped.map((frame) => decodeRequest(frame)).find((request) => {
    const input = request?.kind === 'request' && request.command === 'conversation.create' ? v.parse(commands['conversation.create'].input, request.input) : null;
    return input?.conversationId === id;
  });
  if (created?.kind !== 'request') throw new Error('the creation was not seen');
  const { commit } = v.parse(commands['conversation.create'].input, created.input);
  if (commit === null) throw new Error('created without a commit');
  const joined = await joinByExternalCommit(
    commit.groupInfo, { credential: state.certificate },
    { checkCredential: () => Promise.resolve(true), sameDevice: () => false, signer: store.keys, nowSeconds: Math.floor(systemRuntime.now() / 1_000) },
  );
  return new Uint8Array(joined.commit);
}
