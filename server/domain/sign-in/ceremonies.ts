/** Small things that work once and expire, each bound to its purpose: challenges, pending secrets, half a sign-in. */
import { type CeremonyId, idFromBytes, SessionId, UserId } from '#protocol/ids.ts';
import { ceremonyLifetimeMs } from '#protocol/limits.ts';
import { Must } from '#protocol/sign-in.ts';
import * as v from 'valibot';
import type { Runtime } from '../../ports/runtime.ts';
import type { CeremonyStore } from '../../ports/store.ts';
import { utf8 } from '../digests.ts';

const tries = v.pipe(v.number(), v.safeInteger());
const challenge = v.string();
const session = { userId: UserId, sessionId: SessionId };
const Ceremony = v.variant('purpose', [
  v.strictObject({ purpose: v.literal('register'), challenge, userId: UserId, handle: v.string() }),
  v.strictObject({ purpose: v.literal('sign-in'), challenge }),
  v.strictObject({ purpose: v.literal('add-passkey'), challenge, ...session }),
  v.strictObject({ purpose: v.literal('step-up'), challenge, ...session }),
  /** `secret`: base64url, not the account's before a code of it was seen. */
  v.strictObject({ purpose: v.literal('totp'), ...session, secret: v.string(), tries, expiresAt: v.number() }),
  /** The password was right. `mark` names it, so that another one makes this useless; `challenge` once a passkey was asked for. */
  v.strictObject({
    purpose: v.literal('second-step'), userId: UserId, mark: v.string(), must: v.nullable(Must), tries, expiresAt: v.number(), challenge: v.nullable(challenge),
  }),
]);
export type Ceremony = v.InferOutput<typeof Ceremony>;
type Purpose = Ceremony['purpose'];
export type CeremonyOf<P extends Purpose> = Extract<Ceremony, { readonly purpose: P }>;

export class Ceremonies {
  constructor(
    readonly store: CeremonyStore,
    readonly runtime: Pick<Runtime, 'now' | 'random'>,
  ) {}

  /** When one that begins now ends. */
  end(): number {
    return this.runtime.now() + ceremonyLifetimeMs;
  }

  async begin(ceremony: Ceremony): Promise<CeremonyId> {
    const ceremonyId = idFromBytes<CeremonyId>(this.runtime.random(16));
    await this.store.put(ceremonyId, utf8(JSON.stringify(ceremony)), this.end());
    return ceremonyId;
  }

  /** Puts one back that was taken, as it goes on: its end stays. */
  async goOn(ceremonyId: CeremonyId, ceremony: Extract<Ceremony, { readonly expiresAt: number }>): Promise<void> {
    await this.store.put(ceremonyId, utf8(JSON.stringify(ceremony)), ceremony.expiresAt);
  }

  /** Takes it away, whatever comes of it; null when it is over, was taken, or is for something else. */
  async take<P extends Purpose>(ceremonyId: CeremonyId, purpose: P): Promise<CeremonyOf<P> | null> {
    const stored = await this.store.take(ceremonyId, this.runtime.now());
    if (stored === null) return null;
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Ceremony), new TextDecoder().decode(stored));
    return parsed.success && isFor(parsed.output, purpose) ? parsed.output : null;
  }
}

const isFor = <P extends Purpose>(ceremony: Ceremony, purpose: P): ceremony is CeremonyOf<P> => ceremony.purpose === purpose;
