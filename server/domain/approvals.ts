/**
 * Where two devices of one person meet to let the new one in ([D7]). Kept in memory only, for minutes: what is lost is
 * begun again. The parts are opaque, and the devices trust nothing of them but what their person compared.
 */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { SessionId, UserId } from '#protocol/ids.ts';
import { approvalLifetimeMs, approvalsPerPersonMax } from '#protocol/limits.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { SessionRecord } from '../ports/store.ts';
import { BoundedMap } from './bounded-map.ts';

type Bytes = Uint8Array<ArrayBuffer>;
const peopleMax = 2_000;
const symbols = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const codeLength = 8;

interface Approval {
  readonly code: string;
  readonly expiresAt: number;
  readonly asker: SessionId;
  readonly commitment: Bytes;
  answerer: SessionId | null;
  answer: Bytes | null;
  opening: Bytes | null;
  grant: Bytes | null;
  ended: boolean;
}

export class Approvals {
  readonly #runtime: Runtime;
  readonly #bus: EventBus;
  readonly #of = new BoundedMap<UserId, readonly Approval[]>(peopleMax);

  constructor(runtime: Runtime, bus: EventBus) {
    this.#runtime = runtime;
    this.#bus = bus;
  }

  /** Refuses approval.too_many. */
  open({ userId, sessionId }: SessionRecord, { commitment }: Input<'approval.open'>): Result<Output<'approval.open'>> {
    const others = this.#present(userId).filter(({ asker }) => asker !== sessionId);
    if (others.length >= approvalsPerPersonMax) return refuse('approval.too_many');
    const code = [...this.#runtime.random(codeLength)].map((byte) => symbols.charAt(byte & 31)).join('');
    const expiresAt = this.#runtime.now() + approvalLifetimeMs;
    const opened = {
      code,
      expiresAt,
      asker: sessionId,
      commitment,
      answerer: null,
      answer: null,
      opening: null,
      grant: null,
      ended: false,
    };
    this.#of.set(userId, [...others, opened]);
    return ok({ code, expiresAt });
  }

  /** Refuses approval.unknown: also one that was answered. */
  answer({ userId, sessionId }: SessionRecord, { code }: Input<'approval.answer'>): Result<Output<'approval.answer'>> {
    const approval = this.#find(userId, code);
    if (approval === null || approval.ended || approval.answerer !== null || approval.asker === sessionId)
      return refuse('approval.unknown');
    approval.answerer = sessionId;
    return ok({ commitment: approval.commitment, expiresAt: approval.expiresAt });
  }

  pass({ userId, sessionId }: SessionRecord, { code, part }: Input<'approval.pass'>): Result<Output<'approval.pass'>> {
    const approval = this.#find(userId, code);
    if (approval === null || approval.ended) return refuse('approval.unknown');
    const byAsker = sessionId === approval.asker;
    if (!byAsker && sessionId !== approval.answerer) return refuse('approval.unknown');
    if (!byAsker && approval.answer === null) approval.answer = part;
    else if (byAsker && approval.answer !== null && approval.opening === null) approval.opening = part;
    else if (!byAsker && approval.opening !== null && approval.grant === null) approval.grant = part;
    else return refuse('approval.unknown');
    this.#tell(userId, code);
    return ok({});
  }

  end({ userId, sessionId }: SessionRecord, { code }: Input<'approval.end'>): Result<Output<'approval.end'>> {
    const approval = this.#find(userId, code);
    if (approval === null || (sessionId !== approval.asker && sessionId !== approval.answerer))
      return refuse('approval.unknown');
    approval.ended = true;
    this.#tell(userId, code);
    return ok({});
  }

  get({ userId, sessionId }: SessionRecord, { code }: Input<'approval.get'>): Result<Output<'approval.get'>> {
    const approval = this.#find(userId, code);
    if (approval === null || (sessionId !== approval.asker && sessionId !== approval.answerer))
      return refuse('approval.unknown');
    const { answer, opening, grant, ended } = approval;
    return ok({ answer, opening, grant, ended });
  }

  #present(userId: UserId): readonly Approval[] {
    const now = this.#runtime.now();
    return (this.#of.get(userId) ?? []).filter(
      ({ expiresAt }) => expiresAt > now && expiresAt <= now + approvalLifetimeMs,
    );
  }

  #find(userId: UserId, code: string): Approval | null {
    return this.#present(userId).find((approval) => approval.code === code) ?? null;
  }

  #tell(userId: UserId, code: string): void {
    this.#bus.publish({ kind: 'approval', userId, code });
  }
}
