/** Writes down who did what, from where and when; what the store then keeps in the same batch as the change ([U1]). */
import type { ActName, Actor, AuditObject, Facts, PersonalFields } from '#protocol/audit.ts';
import type { UserId } from '#protocol/ids.ts';
import type { Act } from '../../ports/audit-store.ts';
import type { Runtime } from '../../ports/runtime.ts';

export interface Draft<A extends ActName> {
  readonly act: A;
  readonly object?: AuditObject;
  /** A fixed word. */
  readonly reason?: string;
  readonly before?: Facts;
  readonly after?: Facts;
  /** Sealed under the key of that person. */
  readonly personal?: { readonly subject: UserId; readonly fields: PersonalFields };
  /** Other than the caller: whoever was not signed in before it. */
  readonly actor?: Actor;
}

/** Only commands whose row is marked `audited` with these acts are given one. */
export type Scribe<A extends ActName> = (draft: Draft<A>) => Act;

export interface Origin {
  readonly actor: Actor;
  /** Of the peer; personal data. Null when no peer asked for it. */
  readonly address: string | null;
  readonly requestId: string;
}

/** Strangers cannot be told apart: those of one month share a key, so that what is told of them can be erased too. */
export const strangersOf = (time: number): string => `strangers-${new Date(time).toISOString().slice(0, 7)}`;

export function scribeOf(
  { actor: caller, address, requestId }: Origin,
  runtime: Pick<Runtime, 'now'>,
): Scribe<ActName> {
  return ({ act, object = null, reason = null, before = null, after = null, personal, actor = caller }) => {
    const time = runtime.now();
    const fields = new Map<string, PersonalFields>();
    if (personal !== undefined) fields.set(personal.subject, personal.fields);
    if (address !== null) {
      const subject = actor.kind === 'person' ? actor.userId : strangersOf(time);
      fields.set(subject, { ...fields.get(subject), address });
    }
    return {
      act,
      time,
      actor,
      object,
      reason,
      before,
      after,
      requestId,
      personal: [...fields].map(([whose, told]) => ({ subject: whose, fields: told })),
    };
  };
}

/** For jobs and for what the server does by itself. `name`: lower-case letters, digits and hyphens. */
export const systemScribe = (name: string, runtime: Pick<Runtime, 'now'>): Scribe<ActName> =>
  scribeOf({ actor: { kind: 'system', name }, address: null, requestId: '-' }, runtime);
