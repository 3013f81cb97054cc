/** Passwords: Argon2id with 19 MiB, two passes, one lane (OWASP's minimum, PHC string). */
import { type Algorithm, hash, type Options, verify } from '@node-rs/argon2';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Runtime } from '../ports/runtime.ts';
import { Slots } from './slots.ts';

const saltBytes = 16;
/** `Algorithm` is an ambient const enum, which isolated modules cannot read: 2 is Argon2id. */
const argon2id: Algorithm.Argon2id = 2;
const parameters = { algorithm: argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const satisfies Options;

/** Of a random password that nobody knows: what an unknown handle is verified against, so that it costs the same ([A4]). */
const dummyHash = '$argon2id$v=19$m=19456,t=2,p=1$KK9WEQf0QuGDbw3vRtRJPQ$kSeoAVWn7qG7LOffmHTdxIS5cYZzyTmE0ZZSUs+zkm4';

/** One hash takes 19 MiB and some 30 ms of a core: no flood of sign-ins may take all of either. */
export const passwordsWorkingMax = 2;
export const passwordsWaitingMax = 64;
/** About as long as a full queue takes. */
const busyRetryAfterMs = 2_000;

export class Passwords {
  readonly #slots = new Slots(passwordsWorkingMax, passwordsWaitingMax);
  /** [Q5] A slot that no flood of strangers fills. */
  readonly #knownSlots = new Slots(1, passwordsWaitingMax);

  constructor(readonly runtime: Runtime) {}

  /**
   * Refuses rate.limited. NFKC first, so that the same keys on another keyboard give the same password (RFC 8265 §4.2.2
   * uses NFC; NIST 800-63B allows NFKC).
   */
  hash(password: string): Promise<Result<string>> {
    return this.#inTurn(() => hash(password.normalize('NFKC'), { ...parameters, salt: this.runtime.random(saltBytes) }));
  }

  /** Refuses rate.limited. Null stands for an account that does not exist or has no password: false, after the same work. */
  verify(stored: string | null, password: string, known = false): Promise<Result<boolean>> {
    return this.#inTurn(async () => (await verify(stored ?? dummyHash, password.normalize('NFKC'))) && stored !== null, known ? this.#knownSlots : this.#slots);
  }

  async #inTurn<T>(work: () => Promise<T>, slots = this.#slots): Promise<Result<T>> {
    const done = slots.run(work);
    return done === null ? refuse('rate.limited', { retryAfterMs: busyRetryAfterMs }) : ok(await done);
  }
}
