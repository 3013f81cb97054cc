/**
 * Recovery codes for signing in: 80 random bits each, kept only as keyed hashes. With so much entropy a fast hash is as
 * good as a slow one (NIST SP 800-63B-4 §3.1.2.2), and a wrong one costs an attacker as much as us.
 */
import { recoveryCodesCount } from '#protocol/limits.ts';
import { bytesOfId, type UserId } from '#protocol/ids.ts';
import { hmacSha256, sameSecret, utf8 } from '../digests.ts';

/** Crockford's base32: no letter that is taken for another or for a digit. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const codeLength = 16;

const normalised = (typed: string): string =>
  typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');

export class RecoveryCodes {
  /** `key`: 32 bytes, the same after a restart. */
  constructor(
    readonly key: Uint8Array,
    readonly random: (length: number) => Uint8Array<ArrayBuffer>,
  ) {}

  /** Shown once. */
  make(userId: UserId): { readonly codes: readonly string[]; readonly hashes: readonly Uint8Array<ArrayBuffer>[] } {
    const codes = Array.from({ length: recoveryCodesCount }, () => {
      const letters = [...this.random(codeLength)].map((byte) => alphabet[byte % alphabet.length]).join('');
      return (letters.match(/.{4}/g) ?? []).join('-');
    });
    return { codes, hashes: codes.map((code) => this.#hash(userId, code)) };
  }

  /** Those that are left once this one is used; null when it is none of them. Looks at all of them, whichever it is. */
  without(userId: UserId, hashes: readonly Uint8Array<ArrayBuffer>[], typed: string): readonly Uint8Array<ArrayBuffer>[] | null {
    const mine = this.#hash(userId, typed);
    const left = hashes.filter((hash) => !sameSecret(hash, mine));
    return left.length === hashes.length ? null : left;
  }

  #hash(userId: UserId, typed: string): Uint8Array<ArrayBuffer> {
    return hmacSha256(this.key, utf8('lanying sign-in code 1'), bytesOfId(userId), utf8(normalised(typed)));
  }
}
