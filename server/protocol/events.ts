/** What the server pushes on a socket, beside answers. Events are hints over the log: a missed one costs a read. */
import * as v from 'valibot';
import { bytes, Entry, Epoch, Sequence, Timestamp } from './envelope.ts';
import { ConversationId, DeviceId, Generation, UserId } from './ids.ts';
import * as limits from './limits.ts';
import { Conversation, Suite } from './model.ts';

export const events = {
  /** First frame of every socket. */
  ready: v.strictObject({
    protocol: v.number(),
    serverTime: Timestamp,
    userId: UserId,
    deviceId: v.nullable(DeviceId),
    requestsInFlightMax: v.number(),
  }),
  entry: v.strictObject({ conversationId: ConversationId, generation: Generation, entry: Entry }),
  /** The person came into a conversation, or its members, epoch owner or their own read mark changed. */
  conversation: v.strictObject({ conversation: Conversation }),
  /** The person is no longer in it; the socket gets nothing more of it. */
  removed: v.strictObject({ conversationId: ConversationId }),
  /** Another device of the same person moved the read mark. */
  read: v.strictObject({ conversationId: ConversationId, readSequence: Sequence }),
  /** Something waits in this device's mailbox. */
  welcome: v.strictObject({ conversationId: ConversationId }),
  signal: v.strictObject({
    conversationId: ConversationId,
    epoch: Epoch,
    user: UserId,
    device: DeviceId,
    body: bytes(limits.signalBytesMax, 1),
  }),
  /** A person's devices changed. */
  devices: v.strictObject({ userId: UserId }),
  /** One's own vault has other unlockers, or another key: see vault.get. */
  vault: v.strictObject({ version: v.number() }),
  /** A device of one's own that lets another in, or the other way round, went on: see approval.get. */
  approval: v.strictObject({ code: v.string() }),
  /** One-time key packages of this device run low. */
  keyPackages: v.strictObject({ suite: Suite, count: v.number() }),
  /** This socket read too slowly and was taken off these conversations: use log.tail from the cursors. */
  lagged: v.strictObject({ conversationIds: v.array(ConversationId) }),
  /** To administrators: the signed head of the audit log, to be held against the last one that they saw. */
  auditHead: v.strictObject({ checkpoint: v.string() }),
  /** The server's disk has no room, so nothing is stored, or it has again ([Z1]); when it is full, the second frame of every socket. */
  storage: v.strictObject({ full: v.boolean() }),
  sessionEnded: v.strictObject({ reason: v.picklist(['signed_out', 'revoked', 'expired']) }),
  /** The server is about to stop; reconnect after a moment. */
  draining: v.strictObject({}),
};
export type Events = typeof events;
export type EventName = keyof Events;
export type EventPayload<N extends EventName> = v.InferOutput<Events[N]>;
export const isEventName = (name: string): name is EventName => Object.hasOwn(events, name);
