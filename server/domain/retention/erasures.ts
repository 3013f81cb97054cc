/** Erasure by request, in two steps: what it would take is told, then it is confirmed by the name of the account ([R14]). */
import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '#protocol/cbor.ts';
import type { Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { type CeremonyId, idFromBytes, UserId } from '#protocol/ids.ts';
import { erasureConfirmMs } from '#protocol/limits.ts';
import type { Person } from '#protocol/model.ts';
import { ErasureScope, HoldReason, type Receipt } from '#protocol/retention.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { AccountRecord, AccountStore, CeremonyStore } from '../../ports/store.ts';
import type { Scribe } from '../audit/scribe.ts';
import type { Retention, RunActs } from './retention.ts';

const Asked = v.strictObject({
  erasure: v.literal(1),
  by: UserId,
  userId: UserId,
  text: HoldReason,
  scope: ErasureScope,
});
type Asked = v.InferOutput<typeof Asked>;

export interface ErasureParts {
  readonly accounts: Pick<AccountStore, 'byId'>;
  readonly ceremonies: CeremonyStore;
  readonly retention: Retention;
  readonly runtime: Pick<Runtime, 'now' | 'random'>;
}

export class Erasures {
  readonly #parts: ErasureParts;

  constructor(parts: ErasureParts) {
    this.#parts = parts;
  }

  /** Nothing changes yet. Refuses person.unknown, permission.denied, erasure.owner, erasure.held. */
  async request(
    by: Person,
    { userId, text, scope }: Pick<Asked, 'userId' | 'text' | 'scope'>,
    audit: Scribe<'erasure.requested'>,
  ): Promise<Result<Output<'erasure.request'>>> {
    const { accounts, ceremonies, runtime } = this.#parts;
    const account = await accounts.byId(userId);
    if (account === null) return refuse('person.unknown');
    const refused = await this.#refused(by, account);
    if (refused !== null) return refused;
    const requestId = idFromBytes<CeremonyId>(runtime.random(16));
    const confirmBy = runtime.now() + erasureConfirmMs;
    const asked: Asked = { erasure: 1, by: by.userId, userId, text, scope };
    await ceremonies.put(requestId, encodeCbor(asked), confirmBy, [
      audit({ act: 'erasure.requested', object: { kind: 'account', id: userId }, after: { scope } }),
    ]);
    return ok({ requestId, confirmBy });
  }

  /**
   * The account is gone when this has answered, and its data proven gone. A request is good for one try.
   * Refuses erasure.expired, input.invalid (another handle), and what `request` refuses.
   */
  async confirm(
    by: Person,
    { requestId, handle }: { readonly requestId: CeremonyId; readonly handle: string },
    audit: Scribe<RunActs | 'account.closed'>,
  ): Promise<Result<{ readonly receipt: Receipt | null }>> {
    const { accounts, ceremonies, retention, runtime } = this.#parts;
    const asked = askedOf(await ceremonies.take(requestId, runtime.now()));
    if (asked === null || asked.by !== by.userId) return refuse('erasure.expired');
    const { userId, scope, text } = asked;
    const account = await accounts.byId(userId);
    if (account === null) return refuse('person.unknown');
    if (account.handle !== handle) return refuse('input.invalid', { field: 'handle' });
    const refused = await this.#refused(by, account);
    if (refused !== null) return refused;
    const all = scope === 'all';
    const reason = { kind: 'request' as const, by: by.userId, text };
    const act = audit({
      act: all ? 'account.erased' : 'account.closed',
      object: { kind: 'account', id: userId },
      reason: 'request',
    });
    const taken = await retention.leavers.take(
      userId,
      { state: all ? 'erasing' : 'closing', reason, goneAt: runtime.now() },
      [act],
    );
    if (!taken) return refuse('person.unknown');
    return ok({ receipt: await retention.finish(audit) });
  }

  async #refused(by: Person, account: AccountRecord): Promise<Result<never> | null> {
    if (account.role === 'owner') return refuse('erasure.owner');
    if (by.userId !== account.userId && account.role === 'admin' && by.role !== 'owner')
      return refuse('permission.denied');
    const hold = await this.#parts.retention.leavers.heldBy(account.userId);
    return hold === null ? null : refuse('erasure.held', { reason: hold.holdId });
  }
}

/** Null for whatever else is kept for a while under such an id. */
function askedOf(kept: Uint8Array | null): Asked | null {
  if (kept === null) return null;
  try {
    const parsed = v.safeParse(Asked, decodeCbor(kept));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
