/** An older copy of the database was put back: what the register knows and it does not is done again ([R6]). */
import type { Hold } from '#protocol/retention.ts';
import type { ErasureStore, PurgeRegister, Registered, RetentionStore } from '../../ports/retention-store.ts';
import type { Scribe } from '../audit/scribe.ts';
import type { DueFiles } from './files.ts';
import type { Leavers } from './leavers.ts';
import type { ServerWide } from './server-wide.ts';

export type RestoreActs =
  | 'policy.changed'
  | 'hold.requested'
  | 'hold.placed'
  | 'hold.lifted'
  | 'audit.trimmed'
  | 'account.closed'
  | 'account.erased';

const reason = { kind: 'restore' } as const;
const actOf = {
  proposed: 'hold.requested',
  active: 'hold.placed',
  releasing: 'hold.requested',
  released: 'hold.lifted',
} as const satisfies Record<Hold['state'], RestoreActs>;

export interface RestoredParts {
  /** The database's alone: what comes from the register is there already. */
  readonly rules: RetentionStore;
  readonly erasure: ErasureStore;
  readonly register: PurgeRegister;
  readonly files: DueFiles;
  readonly leavers: Leavers;
  readonly wide: ServerWide;
}

type Thing<K extends Registered['kind']> = Extract<Registered, { readonly kind: K }>;

export class Restored {
  readonly #parts: RestoredParts;

  constructor(parts: RestoredParts) {
    this.#parts = parts;
  }

  /** Does it all again; what it only begins is finished by the round that follows. Resolves to how many things were not known. */
  async apply(audit: Scribe<RestoreActs>): Promise<number> {
    const { register, erasure } = this.#parts;
    const things = await register.read();
    const of = <K extends Registered['kind']>(kind: K): readonly Thing<K>[] =>
      things.filter((thing): thing is Thing<K> => thing.kind === kind);
    let count = (await erasure.reapply(of('floor'))).length;
    count += await this.#rules(of('policy'), of('hold'), audit);
    const { files, wide } = this.#parts;
    for (const { conversationId, before } of of('files'))
      count += (await files.eraseBefore(conversationId, { reason, before })) ? 1 : 0;
    for (const { before } of of('audit')) {
      if (!(await wide.trim(before, audit))) continue;
      await wide.eraseTrimmed({ reason, before });
      count += 1;
    }
    for (const person of of('person')) count += (await this.#person(person, audit)) ? 1 : 0;
    await this.#learn();
    return count;
  }

  /** The later rule counts; a hold is never earlier than the register knows. */
  async #rules(
    policies: readonly Thing<'policy'>[],
    holds: readonly Thing<'hold'>[],
    audit: Scribe<RestoreActs>,
  ): Promise<number> {
    const { rules } = this.#parts;
    let count = 0;
    const present = await rules.policies();
    for (const { policy } of policies) {
      const known = present.find(
        (other) => other.class === policy.class && other.conversationId === policy.conversationId,
      );
      if (known !== undefined && known.setAt >= policy.setAt) continue;
      const object = { kind: 'policy', id: `retention ${policy.class}` } as const;
      const facts = { before: { days: known?.days ?? null }, after: { days: policy.days } };
      await rules.setPolicy(policy, [audit({ act: 'policy.changed', object, reason: 'restored', ...facts })]);
      count += 1;
    }
    const standing = new Map((await rules.holds()).map((hold) => [hold.holdId, hold]));
    const stages = Object.keys(actOf);
    for (const { hold } of holds) {
      const known = standing.get(hold.holdId) ?? null;
      if (known !== null && stages.indexOf(known.state) >= stages.indexOf(hold.state)) continue;
      const object = { kind: 'hold', id: hold.holdId } as const;
      const facts = { before: { state: known?.state ?? null }, after: { state: hold.state } };
      const act = audit({ act: actOf[hold.state], object, reason: 'restored', ...facts });
      if ((await rules.putHold(hold, known?.state ?? null, [act])) === 'stored') count += 1;
    }
    return count;
  }

  #person({ userId, scope, goneAt }: Thing<'person'>, audit: Scribe<RestoreActs>): Promise<boolean> {
    const all = scope === 'all';
    const act = audit({
      act: all ? 'account.erased' : 'account.closed',
      object: { kind: 'account', id: userId },
      reason: 'restored',
    });
    return this.#parts.leavers.take(userId, { state: all ? 'erasing' : 'closing', reason, goneAt }, [act]);
  }

  /** The register learns what it does not know: it was lost, or is from before it knew such things. */
  async #learn(): Promise<void> {
    const { register, erasure, rules, leavers } = this.#parts;
    await register.add([
      ...(await erasure.floors()).map((floor) => ({ kind: 'floor' as const, ...floor })),
      ...(await rules.policies()).map((policy) => ({ kind: 'policy' as const, policy })),
      ...(await rules.holds()).map((hold) => ({ kind: 'hold' as const, hold })),
      ...(await leavers.all()).map(({ userId, goneAt, state }) => {
        const scope = state === 'closing' || state === 'closed' ? ('account' as const) : ('all' as const);
        return { kind: 'person' as const, userId, goneAt, scope };
      }),
    ]);
  }
}
