/** Key packages of the people that this device brings into a conversation, each vouched for by its person's pinned identity. */
import { claimUsersMax } from '#protocol/limits.ts';
import type { UserId } from '#protocol/ids.ts';
import { LanyingError } from '../api.ts';
import { inspectKeyPackage, MlsError } from '../mls/index.ts';
import type { ConversationState } from '../store/records.ts';
import type { Parts } from './parts.ts';
import { deviceOf, userOf } from './policy.ts';

/** One key package for each device of these people that is not in the group. */
export async function claim(
  parts: Parts,
  userIds: readonly UserId[],
  suite: ConversationState['suite'],
  except: readonly ConversationState['members'][number][] = [],
): Promise<readonly Uint8Array[]> {
  const wanted = userIds.filter((userId) => !except.includes(userId));
  if (wanted.length === 0) return [];
  await parts.directory.need(wanted);
  const changed = wanted.find((userId) => parts.directory.changed(userId));
  if (changed !== undefined) throw new LanyingError('identity.changed', { field: changed });
  const claimed: Uint8Array[] = [];
  for (let from = 0; from < wanted.length; from += claimUsersMax) {
    const asked = wanted.slice(from, from + claimUsersMax);
    const { keyPackages: more } = await parts.connection.call('keyPackage.claim', {
      userIds: asked,
      suite,
      except: [parts.me.deviceId],
    });
    for (const { userId, bytes } of more) {
      if (!asked.includes(userId) || !(await vouched(parts, userId, bytes)))
        throw new LanyingError('identity.mismatch', { field: userId });
      claimed.push(bytes);
    }
    const without = asked.find((userId) => userId !== parts.me.userId && !more.some((row) => row.userId === userId));
    if (without !== undefined) throw new LanyingError('key_package.exhausted', { field: without });
  }
  return claimed;
}

/** The server hands out key packages, so whose they are is for the pinned identity to say: one of somebody else would let them in ([E1], [E6]). */
async function vouched(parts: Parts, userId: UserId, bytes: Uint8Array): Promise<boolean> {
  const refuse = (reason: string): false => {
    parts.listener.onNotice({ kind: 'device_refused', at: parts.runtime.now(), userId, conversationId: null, reason });
    return false;
  };
  try {
    const { credential, signatureKey } = await inspectKeyPackage(bytes);
    if (userOf(credential) !== userId) return refuse('wrong_person');
    const device = deviceOf(credential);
    if (device === null || parts.devices.revoked(device)) return refuse('revoked');
    // The server may keep a revocation to itself, but not out of the tree.
    if (await parts.directory.tree.revoked(userId, device)) return refuse('revoked');
    return await parts.directory.checkCredential(credential, signatureKey);
  } catch (cause) {
    if (cause instanceof MlsError) return refuse(cause.code);
    throw cause;
  }
}
