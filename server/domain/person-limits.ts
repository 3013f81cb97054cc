/** What one signed-in person may ask for, by kinds of command ([Q1]). By account alone: nobody uses up what is another's. */
import type { CommandName, Input } from '#protocol/commands/index.ts';
import type { Refusal } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import { type PersonAllowances, personAllowances, personsPerCostMax } from '#protocol/limits.ts';
import type { Runtime } from '../ports/runtime.ts';
import { RateLimit } from './rate-limits.ts';

type Kind = keyof PersonAllowances;
/** Calls that are no rows of the table. */
export type FileCall = 'file.create' | 'file.use';

const kinds = {
  'session.get': 'other',
  'session.ping': 'other',
  'session.end': 'other',
  'session.list': 'directory',
  'session.stepUpOptions': 'devices',
  'session.stepUp': 'devices',
  'factor.list': 'directory',
  'passkey.addOptions': 'devices',
  'passkey.add': 'devices',
  'passkey.rename': 'devices',
  'passkey.remove': 'devices',
  'totp.begin': 'devices',
  'totp.confirm': 'devices',
  'totp.remove': 'devices',
  'recoveryCodes.remake': 'devices',
  'password.change': 'purges',
  'signInPolicy.mine': 'other',
  'signInPolicy.get': 'other',
  'signInPolicy.set': 'purges',
  'signInPolicy.health': 'reports',
  'passwordReset.create': 'invites',
  'session.revoke': 'devices',
  'session.revokeOthers': 'devices',
  'session.revokeAll': 'devices',
  'device.register': 'devices',
  'device.challenge': 'devices',
  'device.attach': 'devices',
  'device.list': 'directory',
  'account.startAnew': 'devices',
  'approval.open': 'devices',
  'approval.answer': 'devices',
  'approval.pass': 'devices',
  'approval.end': 'devices',
  'approval.get': 'devices',
  'device.own': 'devices',
  'device.rename': 'devices',
  'device.remove': 'devices',
  'keyPackage.publish': 'devices',
  'keyPackage.counts': 'other',
  'keyPackage.claim': 'claims',
  'invite.create': 'invites',
  'invite.list': 'other',
  'invite.revoke': 'invites',
  'audit.list': 'reports',
  'audit.head': 'other',
  'audit.proof': 'other',
  'audit.export': 'reports',
  'directory.head': 'directory',
  'directory.leaves': 'directory',
  'directory.proof': 'directory',
  'conversation.create': 'groups',
  'conversation.list': 'reads',
  'conversation.get': 'reads',
  'conversation.commit': 'groups',
  'conversation.send': 'sends',
  'conversation.leave': 'groups',
  'conversation.signal': 'signals',
  'conversation.groupInfo': 'reads',
  'conversation.markRead': 'other',
  'log.read': 'reads',
  'log.tail': 'reads',
  'welcome.list': 'reads',
  'welcome.acknowledge': 'other',
  'people.list': 'directory',
  'people.find': 'directory',
  'vault.get': 'vault',
  'vault.update': 'vault',
  'archive.put': 'vault',
  'archive.get': 'reads',
  'archive.reseal': 'vault',
  'vaultItem.put': 'vault',
  'vaultItem.get': 'vault',
  'retention.get': 'other',
  'retention.rules': 'other',
  'retention.set': 'purges',
  'retention.preview': 'purges',
  'retention.run': 'purges',
  'retention.receipts': 'reports',
  'retention.key': 'other',
  'hold.place': 'purges',
  'hold.confirm': 'purges',
  'hold.release': 'purges',
  'erasure.request': 'purges',
  'erasure.confirm': 'purges',
  'account.requestErasure': 'purges',
  'account.confirmErasure': 'purges',
  'file.create': 'uploads',
  'file.use': 'transfers',
} as const satisfies Record<string, Kind>;

const kindByName: ReadonlyMap<string, Kind> = new Map(Object.entries(kinds));

/** Null: nothing limits it by account. */
export const kindOf = (name: string): Kind | null => kindByName.get(name) ?? null;

/** A call about many people costs as much as that many looks; each claimed person uses up packages. */
function costOf(name: string, input: Input<CommandName> | null): number {
  if (name !== 'keyPackage.claim' && name !== 'people.find' && name !== 'device.list') return 1;
  if (input === null) return 1;
  const people =
    ('userIds' in input ? (input.userIds?.length ?? 0) : 0) + ('handles' in input ? (input.handles?.length ?? 0) : 0);
  return name === 'keyPackage.claim' ? people : Math.max(1, Math.ceil(people / personsPerCostMax));
}

export class PersonLimits {
  readonly #limits: ReadonlyMap<string, RateLimit>;

  constructor(runtime: Runtime, allowances: Partial<PersonAllowances> = {}) {
    const all = Object.entries({ ...personAllowances, ...allowances });
    this.#limits = new Map(all.map(([kind, allowance]) => [kind, new RateLimit(runtime, allowance)]));
  }

  /** `rate.limited` with the time to wait, or null. `input` has passed its schema. */
  take(userId: UserId, name: CommandName | FileCall, input: Input<CommandName> | null): Refusal | null {
    const kind = kindOf(name);
    return kind === null ? null : (this.#limits.get(kind)?.take(userId, costOf(name, input)) ?? null);
  }
}
