/**
 * Browsers that a person has signed in from before. Each holds a token of its own, so that its tries are counted apart from
 * those of strangers ([Q5]; OWASP, "slow down online guessing attacks with device cookies").
 */
import { bytesOfId, fromBase64Url, idFromBytes, toBase64Url, type UserId } from '#protocol/ids.ts';
import type { Runtime } from '../ports/runtime.ts';
import { hmacSha256, joinBytes, sameSecret, utf8 } from './digests.ts';

const idLength = 16;
const nonceLength = 16;
const macLength = 32;
const tokenLength = idLength + nonceLength + macLength;

export interface KnownBrowser {
  readonly userId: UserId;
  /** Names the browser; what its tries are counted by. */
  readonly key: string;
}

export class KnownBrowsers {
  /** `key`: 32 bytes, the same after a restart. */
  constructor(
    readonly key: Uint8Array,
    readonly runtime: Pick<Runtime, 'random'>,
  ) {}

  /** A token for a browser that has just signed in as this person. It opens nothing. */
  issue(userId: UserId): string {
    const body = joinBytes(bytesOfId(userId), this.runtime.random(nonceLength));
    return toBase64Url(joinBytes(body, this.#mac(body)));
  }

  /** Null for what was not issued here. */
  read(token: string | null): KnownBrowser | null {
    const bytes = token === null ? null : fromBase64Url(token);
    if (bytes?.length !== tokenLength) return null;
    const body = bytes.subarray(0, idLength + nonceLength);
    if (!sameSecret(bytes.subarray(idLength + nonceLength), this.#mac(body))) return null;
    return { userId: idFromBytes<UserId>(body.subarray(0, idLength)), key: toBase64Url(body) };
  }

  #mac(body: Uint8Array): Uint8Array<ArrayBuffer> {
    return hmacSha256(this.key, utf8('lanying known browser 1'), body);
  }
}
