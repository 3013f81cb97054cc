/** Limits of what strangers may try ([A6]). An account is limited only together with an address, so nobody locks out another. */
import type { Refusal } from '#protocol/errors.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { KnownBrowser } from './known-browsers.ts';
import { type Allowance, limitedAddress, RateLimit } from './rate-limits.ts';

export interface SignInAllowances {
  /** Calls without a session, by address. */
  readonly calls: Allowance;
  /** Of them those of passkey ceremonies: apart, so that no flood of passwords from the same address keeps a passkey out. */
  readonly passkeyCalls: Allowance;
  /** Wrong passwords and tokens, by address. */
  readonly failures: Allowance;
  /** Wrong passwords for one handle, by address. */
  readonly failuresOfHandle: Allowance;
  /** Tries of one browser that its person has signed in from before ([Q5]). */
  readonly knownTries: Allowance;
  /** Wrong codes of the second step: of one account by all strangers together, from wherever they are; and of one known browser. */
  readonly codesOfAccount: Allowance;
  /** Handles asked for with one setup token or invite, whether they are free or not. */
  readonly handlesOfGrant: Allowance;
}

/** A whole office may share one address on its first morning. */
export const signInAllowances: SignInAllowances = {
  calls: { burst: 300, refillMs: 250 },
  passkeyCalls: { burst: 300, refillMs: 100 },
  failures: { burst: 40, refillMs: 10_000 },
  failuresOfHandle: { burst: 8, refillMs: 30_000 },
  knownTries: { burst: 12, refillMs: 30_000 },
  // 300 a day: one chance in a thousand, for somebody who has the password.
  codesOfAccount: { burst: 20, refillMs: 300_000 },
  handlesOfGrant: { burst: 30, refillMs: 20_000 },
};

export class SignInLimits {
  readonly #calls: RateLimit;
  readonly #passkeyCalls: RateLimit;
  readonly #failures: RateLimit;
  readonly #ofHandle: RateLimit;
  readonly #ofGrant: RateLimit;
  readonly #known: RateLimit;
  readonly #codes: RateLimit;

  constructor(runtime: Runtime, allowances: SignInAllowances = signInAllowances) {
    this.#calls = new RateLimit(runtime, allowances.calls);
    this.#passkeyCalls = new RateLimit(runtime, allowances.passkeyCalls);
    this.#failures = new RateLimit(runtime, allowances.failures);
    this.#ofHandle = new RateLimit(runtime, allowances.failuresOfHandle);
    this.#known = new RateLimit(runtime, allowances.knownTries);
    this.#codes = new RateLimit(runtime, allowances.codesOfAccount);
    this.#ofGrant = new RateLimit(runtime, allowances.handlesOfGrant);
  }

  /** `browser`: one that somebody signed in from before ([Q5]); it does not wait for strangers at its address. */
  call(address: string, browser: KnownBrowser | null, passkey: boolean): Refusal | null {
    return (passkey ? this.#passkeyCalls : this.#calls).take(browser?.key ?? limitedAddress(address));
  }

  /** [A8] `grant` names one setup token or invite. */
  askHandle(grant: string): Refusal | null {
    return this.#ofGrant.take(grant);
  }

  /** [Q5] Instead of `beginGuess`: what strangers did at the same address or for the same handle does not count. */
  beginKnown(browser: KnownBrowser): Refusal | null {
    return this.#known.take(browser.key);
  }
  knownRight(browser: KnownBrowser): void {
    this.#known.refund(browser.key);
  }

  /** [Q5] Codes of the second step, by somebody who has the password. `of`: a known browser, or the account for all strangers together. */
  beginCode(of: string): Refusal | null {
    return this.#codes.take(of);
  }
  codeRight(of: string): void {
    this.#codes.refund(of);
  }

  beginStepUp(session: string): Refusal | null {
    return this.#known.take(`session ${session}`);
  }
  stepUpRight(session: string): void {
    this.#known.refund(`session ${session}`);
  }

  /** Taken before the work, so that parallel guesses count; given back by guessedRight. */
  beginGuess(address: string, handle: string | null): Refusal | null {
    const from = limitedAddress(address);
    const limited = handle === null ? null : this.#ofHandle.take(`${from} ${handle}`);
    if (limited !== null) return limited;
    const limitedHere = this.#failures.take(from);
    if (limitedHere !== null && handle !== null) this.#ofHandle.refund(`${from} ${handle}`);
    return limitedHere;
  }

  guessedRight(address: string, handle: string | null): void {
    const from = limitedAddress(address);
    this.#failures.refund(from);
    if (handle !== null) this.#ofHandle.refund(`${from} ${handle}`);
  }
}
