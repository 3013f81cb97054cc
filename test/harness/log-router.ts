/**
 * A tiny relay for tests of the door: conversations in memory with send, tail and read, going live in one step as
 * SPEC [L7] wants it. It has real asynchrony (a turn of the loop for each call) and no permission but membership.
 */
import type { Entry } from '#protocol/envelope.ts';
import { ok, refuse } from '#protocol/errors.ts';
import type { ConversationId, DeviceId, Generation, MessageId, UserId } from '#protocol/ids.ts';
import { idFromBytes } from '#protocol/ids.ts';
import type { Conversation } from '#protocol/model.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import type { EventBus, Views } from '../../server/session/seam.ts';
import { ScriptedRouter } from './scripted-router.ts';

export interface Log {
  readonly conversationId: ConversationId;
  readonly generation: Generation;
  readonly entries: Entry[];
  readonly members: Set<UserId>;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pageEntries = 5;

export class LogRouter extends ScriptedRouter {
  readonly logs = new Map<ConversationId, Log>();
  bus: EventBus = { publish: () => undefined, subscribe: () => () => undefined };

  constructor() {
    super();
    this.on('log.tail', async (input, { session, tail }) => {
      await turn();
      const { cursors } = input as { cursors: { conversationId: ConversationId; sequence: number }[] };
      const results = cursors.map(({ conversationId, sequence }) => {
        const log = this.logs.get(conversationId);
        if (log === undefined || session === null || !log.members.has(session.userId)) {
          return { state: 'refused', conversationId, code: 'conversation.unknown' };
        }
        const page = log.entries.slice(sequence, sequence + pageEntries);
        if (page.length === 0) {
          tail?.subscribe(conversationId);
          return { state: 'live', conversationId };
        }
        return { state: 'page', conversationId, page: { entries: page, previousHash: new Uint8Array(32), headSequence: log.entries.length, floor: null, earlier: null } };
      });
      // The answer leaves later than it was made: what is published meanwhile must not get lost.
      await turn();
      return { result: ok({ results }) };
    });
    this.on('conversation.send', async (input, { session }) => {
      await turn();
      const { conversationId } = input as { conversationId: ConversationId };
      const log = this.logs.get(conversationId);
      if (log === undefined || session === null || !log.members.has(session.userId)) return { result: refuse('conversation.unknown') };
      return { result: ok({ sequence: this.append(log, session.userId, 10).sequence }) };
    });
  }

  conversation(members: readonly UserId[]): Log {
    const log: Log = {
      conversationId: idFromBytes<ConversationId>(systemRuntime.random(16)),
      generation: idFromBytes<Generation>(systemRuntime.random(16)),
      entries: [],
      members: new Set(members),
    };
    this.logs.set(log.conversationId, log);
    return log;
  }

  append(log: Log, user: UserId, bodyBytes: number): Entry {
    const entry: Entry = {
      sequence: log.entries.length + 1,
      sentAt: 0,
      kind: 'message',
      epoch: 0,
      user,
      device: idFromBytes<DeviceId>(new Uint8Array(16)),
      id: idFromBytes<MessageId>(systemRuntime.random(16)),
      body: new Uint8Array(bodyBytes),
      hash: new Uint8Array(32),
    };
    log.entries.push(entry);
    this.bus.publish({ kind: 'appended', conversationId: log.conversationId, generation: log.generation, entries: [entry] });
    return entry;
  }

  remove(log: Log, user: UserId): void {
    log.members.delete(user);
    this.bus.publish({ kind: 'membership', conversationId: log.conversationId, added: [], removed: [user] });
  }
  add(log: Log, user: UserId): void {
    log.members.add(user);
    this.bus.publish({ kind: 'membership', conversationId: log.conversationId, added: [user], removed: [] });
  }

  readonly views: Views = {
    conversation: async (conversationId, userIds) => {
      await turn();
      const log = this.logs.get(conversationId);
      const members = [...(log?.members ?? [])];
      const seen = new Map<UserId, Conversation>();
      if (log !== undefined) for (const userId of userIds) if (log.members.has(userId)) seen.set(userId, viewOf(log, members, userId));
      return seen;
    },
    contacts: async (userId, among) => {
      const shared = [...this.logs.values()].filter((log) => log.members.has(userId)).flatMap((log) => [...log.members]);
      return among.filter((other) => shared.includes(other));
    },
  };
}

function viewOf(log: Log, members: readonly UserId[], userId: UserId): Conversation {
  const owner = members[0] ?? userId;
  return {
    conversationId: log.conversationId,
    generation: log.generation,
    suite: 1,
    epoch: 0,
    epochSequence: 1,
    headSequence: log.entries.length,
    headHash: new Uint8Array(32),
    floor: null,
    leavingDevices: [],
    metaSequence: 0,
    createdAt: 0,
    creator: owner,
    owner,
    members: members.map((member) => ({ userId: member, joinedSequence: 1, leaving: false })),
    joinedSequence: 1,
    readSequence: members.indexOf(userId),
  };
}
