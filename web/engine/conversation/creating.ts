/**
 * A new conversation with its first commit and title, in one step on the server. All of it is on this device before it
 * is handed in, and handed in again, under the same id and with the same bytes, until the server has said what came of
 * it ([E8], [E12]).
 */
import { parseCertificate } from '#protocol/certificate.ts';
import { bytesOfId, type ConversationId, type DeviceId, idBytes, idFromBytes, type MessageId, type UserId } from '#protocol/ids.ts';
import type { Conversation as Summary } from '#protocol/model.ts';
import { LanyingError } from '../api.ts';
import { startHash } from '../content/chain.ts';
import { encodeContent } from '../content/content.ts';
import { createGroup, deserialize, groupInfo, type GroupState, serialize, suiteForMembers } from '../mls/index.ts';
import { after, type Creation, creations } from '../store/records.ts';
import type { Conversation } from './conversation.ts';
import { claim } from './claiming.ts';
import { blank, contextOf, keep } from './entering.ts';
import { epochOf } from './epochs.ts';
import { ownCommit } from './own-commit.ts';
import type { Parts } from './parts.ts';

/** The server read it and will not have it: nothing of it exists. */
const refusedForGood = new Set<string>(['conversation.too_many', 'member.limit', 'commit.refused', 'person.unknown']);

/**
 * Makes a conversation with these people. One with the same title and people whose answer was lost is finished instead,
 * so that trying again does not make a second one. Rejects with the refusals of conversation.create, or when the
 * connection goes; what is unfinished then is for `finishIfTaken` at the next one.
 */
export async function create(parts: Parts, title: string | null, others: readonly UserId[]): Promise<Conversation> {
  const same = (begun: Creation) =>
    begun.title === title &&
    begun.others.length === others.length &&
    begun.others.every((userId) => others.includes(userId));
  const begun = (await parts.store.range(creations, '', after(''), 1_000)).find(({ value }) => same(value));
  const made = begun === undefined ? null : await finishIfTaken(parts, begun.value);
  if (made !== null) return made;
  const created = await finish(parts, await prepare(parts, title, others));
  if (created === null) throw new LanyingError('conversation.exists');
  return created;
}

/** As `finish`, and null when the server refused it for good. */
export async function finishIfTaken(parts: Parts, creation: Creation): Promise<Conversation | null> {
  try {
    return await finish(parts, creation);
  } catch (cause) {
    if (cause instanceof LanyingError && refusedForGood.has(cause.code)) return null;
    throw cause;
  }
}

/** How many devices these people have: only what their identities vouch for counts, or a server could talk a group down to a weaker suite ([E1]). */
async function devicesOf(parts: Parts, userIds: readonly UserId[]): Promise<number> {
  const { connection, directory } = parts;
  await directory.need(userIds);
  const { devices } = await connection.call('device.list', { userIds: [...userIds] });
  const vouched = new Set<DeviceId>();
  for (const { certificate } of devices) {
    const claimed = parseCertificate(certificate);
    if (claimed === null || vouched.has(claimed.deviceId) || !userIds.includes(claimed.userId) || parts.devices.revoked(claimed.deviceId)) continue;
    if (await directory.checkCredential(certificate, claimed.deviceKey)) vouched.add(claimed.deviceId);
  }
  return vouched.size;
}

/** Everything that will be handed in, on disk when it resolves. */
async function prepare(parts: Parts, title: string | null, others: readonly UserId[]): Promise<Creation> {
  const { runtime, me, store } = parts;
  const conversationId = idFromBytes<ConversationId>(runtime.random(idBytes));
  const suite = suiteForMembers(await devicesOf(parts, [me.userId, ...others]));
  const group = await createGroup({
    groupId: bytesOfId(conversationId),
    suite,
    credential: me.certificate,
    signer: store.keys,
  });
  const add = await claim(parts, [me.userId, ...others], suite);
  const bundle = await ownCommit(group, { add: [...add] }, contextOf(parts));
  const titleId = idFromBytes<MessageId>(runtime.random(idBytes));
  const creation: Creation = {
    conversationId,
    suite,
    title,
    others: [...others],
    group: new Uint8Array(serialize(group)),
    groupInfo: new Uint8Array(await groupInfo(group, store.keys)),
    commit: {
      id: idFromBytes<MessageId>(runtime.random(idBytes)),
      epoch: 0,
      commit: new Uint8Array(bundle.commit),
      welcome: bundle.welcome === null ? null : new Uint8Array(bundle.welcome),
      groupInfo: new Uint8Array(bundle.groupInfo),
      follow:
        title === null
          ? []
          : [
              {
                kind: 'meta',
                message: {
                  id: titleId,
                  epoch: 1,
                  body: await firstTitle(parts, conversationId, bundle.next, titleId, title),
                },
              },
            ],
      next: new Uint8Array(serialize(bundle.next)),
    },
  };
  await store.write([await store.put(creations, conversationId, creation)]);
  return creation;
}

/**
 * Hands in what is on disk; the conversation then stands before its first entry, with its commit pending. Null when there is nothing to follow: this person is not in the conversation
 * (any more), or came into it again later and enters like any newcomer. Refusals for good take it off the disk.
 */
async function finish(parts: Parts, creation: Creation): Promise<Conversation | null> {
  const { conversationId } = creation;
  let summary: Summary | null;
  try {
    summary = await handIn(parts, creation);
  } catch (cause) {
    if (cause instanceof LanyingError && refusedForGood.has(cause.code))
      await parts.store.write([parts.store.remove(creations, conversationId)]);
    throw cause;
  }
  if (summary === null || summary.conversationId !== conversationId || summary.joinedSequence > 1) {
    await parts.store.write([parts.store.remove(creations, conversationId)]);
    return null;
  }
  const group = deserialize(creation.group);
  const start = { sequence: 0, hash: startHash(conversationId, summary.generation) };
  const state = {
    ...blank(summary, group, start, parts),
    suite: creation.suite,
    archiveFrom: 1,
    pending: creation.commit,
  };
  return keep(parts, state, group, [parts.store.remove(creations, conversationId)]);
}

/** What the server has of it, whether it took it now or earlier; the log says then if it is this one. */
async function handIn(
  { connection }: Parts,
  { conversationId, suite, groupInfo: info, commit }: Creation,
): Promise<Summary | null> {
  const { next: _next, ...handed } = commit;
  try {
    return (
      await connection.call('conversation.create', {
        conversationId,
        suite,
        groupInfo: info,
        commit: { ...handed, follow: [...handed.follow] },
      })
    ).conversation;
  } catch (cause) {
    if (!(cause instanceof LanyingError) || cause.code !== 'conversation.exists') throw cause;
  }
  try {
    return (await connection.call('conversation.get', { conversationId })).conversation;
  } catch (cause) {
    if (cause instanceof LanyingError && cause.code === 'conversation.unknown') return null;
    throw cause;
  }
}

/** The title of a conversation that has no log yet: sealed as seen from the empty log, whose hash nobody knows before it exists. */
async function firstTitle(
  parts: Parts,
  conversationId: ConversationId,
  next: GroupState,
  id: MessageId,
  title: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { contentKey } = await epochOf(conversationId, next);
  const seen = { seenSequence: 0, seenHash: new Uint8Array(32) };
  const sealed = await parts.cipher.seal(
    { conversation: conversationId, epoch: 1, contentKey },
    { device: parts.me.deviceId, id, kind: 'meta' },
    seen,
    encodeContent({ type: 'meta', title }),
    parts.store.keys,
  );
  if (!sealed.ok) throw new LanyingError('message.too_long');
  return sealed.body;
}
