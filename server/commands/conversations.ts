import type { CommandName } from '#protocol/commands/index.ts';
import { refuse, type Result } from '#protocol/errors.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import type { Conversation } from '#protocol/model.ts';
import { canRead } from '../domain/conversations.ts';
import { answer, type Caller, deviceOf, type Handlers, personOf } from './handler.ts';
import type { Services } from './services.ts';

type Names = Extract<CommandName, `conversation.${string}` | `log.${string}`>;

export function conversationHandlers({ bus, conversations, delivery, log, store }: Services): Handlers<Names> {
  const view = async (conversationId: ConversationId, userId: UserId): Promise<{ readonly result: Result<{ conversation: Conversation }> }> => {
    const conversation = (await conversations.views(conversationId, [userId])).get(userId);
    return conversation === undefined ? { result: refuse('conversation.unknown') } : answer({ conversation });
  };
  const senderOf = (caller: Caller) => {
    const { deviceId, person } = deviceOf(caller);
    return { userId: person.userId, deviceId };
  };
  return {
    'conversation.create': async (input, caller) => {
      const by = senderOf(caller);
      const created = await delivery.create(by, input);
      return created.ok ? view(input.conversationId, by.userId) : { result: created };
    },
    'conversation.list': async ({ after, limit }, caller) => answer(await conversations.list(personOf(caller).person.userId, after, limit)),
    'conversation.get': async ({ conversationId }, caller) => view(conversationId, personOf(caller).person.userId),
    'conversation.commit': async (input, caller) => ({ result: await delivery.commit(senderOf(caller), input) }),
    'conversation.send': async (input, caller) => ({ result: await delivery.send(senderOf(caller), input) }),
    'conversation.leave': async (input, caller) => ({ result: await delivery.leave(senderOf(caller), input) }),
    'conversation.signal': async ({ conversationId, epoch, body }, caller) => {
      const { userId, deviceId } = senderOf(caller);
      const conversation = await conversations.load(conversationId);
      if (conversation === null || !canRead(conversation, userId)) return { result: refuse('conversation.unknown') };
      const current = conversation.published.roster.epoch;
      if (epoch !== current) return { result: refuse('epoch.stale', { epoch: current }) };
      bus.publish({ kind: 'signal', conversationId, epoch, user: userId, device: deviceId, body });
      return answer({});
    },
    'conversation.groupInfo': async ({ conversationId }, caller) => {
      const { userId } = senderOf(caller);
      const groupInfo = await store.conversations.groupInfo(conversationId);
      const conversation = await conversations.load(conversationId);
      if (groupInfo === null || conversation === null || !canRead(conversation, userId)) return { result: refuse('conversation.unknown') };
      const { generation, roster } = conversation.published;
      return answer({ generation, epoch: roster.epoch, epochSequence: roster.epochSequence, hash: new Uint8Array(roster.epochHash), groupInfo });
    },
    'conversation.markRead': async ({ conversationId, sequence }, caller) => {
      const { userId } = senderOf(caller);
      const conversation = await conversations.load(conversationId);
      if (conversation === null || !canRead(conversation, userId)) return { result: refuse('conversation.unknown') };
      // Nobody has read what is not there yet.
      const readSequence = await store.conversations.markRead(userId, conversationId, Math.min(sequence, conversation.published.headSequence));
      if (readSequence === null) return { result: refuse('conversation.unknown') };
      bus.publish({ kind: 'read', conversationId, userId, readSequence });
      return answer({ readSequence });
    },
    'log.read': async (input, caller) => ({ result: await log.read(personOf(caller).person.userId, input) }),
    'log.tail': async ({ cursors }, caller) => {
      const { tail } = caller;
      return answer(await log.tail(personOf(caller).person.userId, cursors, tail === null ? null : (conversationId) => tail.subscribe(conversationId)));
    },
  };
}
