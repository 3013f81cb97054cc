import * as v from 'valibot';
import { bytes, Epoch, Hash } from '../envelope.ts';
import { ConversationId, DeviceId, UserId } from '../ids.ts';
import * as limits from '../limits.ts';
import { Device, Handle, Person, Suite, Unlocker, Vault } from '../model.ts';
import { revocationBytes } from '../revocation.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});
const version = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const itemName = v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,64}$/));

export const peopleCommands = {
  'people.list': row({
    summary: 'Everybody on this server, ordered by handle, a page at a time.',
    input: v.strictObject({ after: v.optional(Handle), limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.listPageMax))) }),
    output: v.strictObject({ people: v.array(Person), more: v.boolean() }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'people.find': row({
    summary: 'People by handle or id; unknown ones are left out of the answer.',
    input: v.strictObject({
      handles: v.optional(v.pipe(v.array(Handle), v.maxLength(limits.listPageMax))),
      userIds: v.optional(v.pipe(v.array(UserId), v.maxLength(limits.membersMax))),
    }),
    output: v.strictObject({ people: v.array(Person) }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'device.list': row({
    summary: 'Registered devices of people, with certificates, and revocations of those that were removed.',
    input: v.strictObject({ userIds: v.pipe(v.array(UserId), v.minLength(1), v.maxLength(limits.membersMax)) }),
    output: v.strictObject({
      devices: v.array(Device),
      /** Of these people's devices that were removed, signed by their identities (revocation.ts). */
      revocations: v.array(bytes(revocationBytes, revocationBytes)),
    }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'keyPackage.claim': row({
    summary: 'Claim one key package for each device of each person (never twice the same, but for a last resort).',
    input: v.strictObject({
      userIds: v.pipe(v.array(UserId), v.minLength(1), v.maxLength(limits.claimUsersMax)),
      suite: Suite,
      /** Devices that are in the group already. */
      except: v.pipe(v.array(DeviceId), v.maxLength(limits.membersMax * limits.devicesPerUserMax)),
    }),
    output: v.strictObject({
      keyPackages: v.array(v.strictObject({ userId: UserId, deviceId: DeviceId, bytes: bytes(limits.keyPackageBytesMax, 1), lastResort: v.boolean() })),
    }),
    errors: ['person.unknown', 'key_package.exhausted'],
    who: 'device',
    resource: 'system',
    audited: { not: 'keeps' },
  }),
  'vault.get': row({
    summary: 'The signed-in person\'s sealed vault and its wrapped keys.',
    input: Empty,
    output: Vault,
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'vault.update': row({
    summary: 'Replace the unlockers (and sealed secret) if nobody else did since `version`.',
    input: v.strictObject({
      version,
      sealed: bytes(limits.vaultBytesMax, 1),
      unlockers: v.pipe(v.array(v.omit(Unlocker, ['createdAt'])), v.maxLength(limits.unlockersMax)),
    }),
    output: v.strictObject({ version }),
    errors: ['vault.conflict', 'vault.unlockers_missing'],
    who: 'device',
    resource: 'self',
    audited: ['unlockers.changed'],
  }),
  'archive.put': row({
    summary: 'Store sealed epoch content keys; the first one stored for an epoch stays.',
    input: v.strictObject({
      items: v.pipe(
        v.array(v.strictObject({ conversationId: ConversationId, epoch: Epoch, sealed: bytes(limits.archiveItemBytesMax, 1) })),
        v.minLength(1),
        v.maxLength(limits.archiveItemsMax),
      ),
    }),
    output: Empty,
    errors: ['conversation.unknown'],
    who: 'device',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
  'archive.reseal': row({
    summary: 'Put archive items sealed anew in the place of those that have these hashes (SHA-256); others stay as they are.',
    input: v.strictObject({
      items: v.pipe(
        v.array(v.strictObject({ conversationId: ConversationId, epoch: Epoch, was: Hash, sealed: bytes(limits.archiveItemBytesMax, 1) })),
        v.minLength(1),
        v.maxLength(limits.archiveItemsMax),
      ),
    }),
    output: Empty,
    errors: [],
    who: 'device',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
  'archive.get': row({
    summary: 'Sealed epoch content keys of one conversation, newest epoch first, below `before` when given.',
    input: v.strictObject({
      conversationId: ConversationId,
      before: v.optional(Epoch),
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.archiveItemsMax))),
    }),
    output: v.strictObject({ items: v.array(v.strictObject({ epoch: Epoch, sealed: bytes(limits.archiveItemBytesMax, 1) })), more: v.boolean() }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'vaultItem.put': row({
    summary: 'Store a sealed item of the vault (pinned identity keys, settings) if it is still at `version` (0 = absent).',
    input: v.strictObject({ name: itemName, version, sealed: bytes(limits.vaultItemBytesMax, 1) }),
    output: v.strictObject({ version }),
    errors: ['vault.conflict'],
    who: 'device',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
  'vaultItem.get': row({
    summary: 'A sealed item of the vault; version 0 and no bytes when it is absent.',
    input: v.strictObject({ name: itemName }),
    output: v.strictObject({ version, sealed: v.nullable(bytes(limits.vaultItemBytesMax, 1)) }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
};
