/** `POST /api/v1/<command>` over fetch, for browsers and for Node. */
import { toBase64Url } from '#protocol/ids.ts';
import { LanyingError } from '../engine/api.ts';

/** A call without an answer counts as unreachable after this. */
export const postTimeoutMs = 60_000;

/** JSON of a command's input: byte strings as unpadded base64url [F5]. */
export const toJson = (body: unknown): string =>
  JSON.stringify(body, (_key, value: unknown) => (value instanceof Uint8Array ? toBase64Url(value) : value));

export interface PostAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

/** Rejects with `network.unreachable` when there is no answer, or one that is not JSON (a proxy's page). */
export async function postJson(url: string, body: unknown, init: RequestInit): Promise<PostAnswer> {
  try {
    const response = await fetch(url, {
      ...init,
      method: 'POST',
      body: toJson(body),
      redirect: 'error',
      cache: 'no-store',
      signal: AbortSignal.timeout(postTimeoutMs),
    });
    const answer: unknown = await response.json();
    return { status: response.status, body: answer, headers: response.headers };
  } catch (cause) {
    if (cause instanceof Error) throw new LanyingError('network.unreachable');
    throw cause;
  }
}
