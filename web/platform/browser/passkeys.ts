/** WebAuthn ceremonies with the PRF extension (WebAuthn Level 3 §10.1.4). Runs in a page, never in a worker. */
import { browserSupportsWebAuthn, startAuthentication, startRegistration } from '@simplewebauthn/browser';
import * as v from 'valibot';
import { LanyingError } from '../../engine/api.ts';
import type { PasskeyCreated, Passkeys } from '../../engine/ports.ts';

type CreationOptions = Parameters<typeof startRegistration>[0]['optionsJSON'];
type RequestOptions = Parameters<typeof startAuthentication>[0]['optionsJSON'];

/** Only what this library reads of them; the browser itself checks the rest (Web IDL). */
const Creation = v.custom<CreationOptions>((input) => v.is(v.looseObject({ challenge: v.string(), user: v.looseObject({ id: v.string() }), rp: v.looseObject({}), pubKeyCredParams: v.array(v.unknown()) }), input));
const Request = v.custom<RequestOptions>((input) => v.is(v.looseObject({ challenge: v.string() }), input));
const PrfResults = v.object({ prf: v.object({ results: v.object({ first: v.custom<BufferSource>((input) => input instanceof ArrayBuffer || ArrayBuffer.isView(input)) }) }) });

const prfInput = (salt: Uint8Array<ArrayBuffer>) => ({ prf: { eval: { first: salt } } });

/** The 32 bytes of the PRF, or null where the authenticator gave none. */
function prfOutput(results: unknown): Uint8Array<ArrayBuffer> | null {
  const parsed = v.safeParse(PrfResults, results);
  if (!parsed.success) return null;
  const { first } = parsed.output.prf.results;
  const bytes = first instanceof ArrayBuffer ? new Uint8Array(first) : new Uint8Array(first.buffer, first.byteOffset, first.byteLength);
  return bytes.length === 32 ? bytes.slice() : null;
}

/** Splits what stays here from what may be sent: nothing of the PRF extension goes to the server [A7]. */
export function withoutPrf(response: { readonly id: string; readonly clientExtensionResults: object }): PasskeyCreated {
  const { prf: _, ...results } = { prf: undefined, ...response.clientExtensionResults };
  return {
    response: { ...response, clientExtensionResults: results },
    credentialId: response.id,
    prf: prfOutput(response.clientExtensionResults),
  };
}

/** Declined, timed out and aborted look alike by design of WebAuthn (NotAllowedError). */
async function ceremony<T>(run: () => Promise<T>): Promise<T> {
  if (!browserSupportsWebAuthn()) throw new LanyingError('passkey.unsupported');
  try {
    return await run();
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : 'unknown';
    const cancelled = name === 'NotAllowedError' || name === 'AbortError';
    throw new LanyingError(cancelled ? 'passkey.cancelled' : 'passkey.unsupported', { reason: name });
  }
}

export const browserPasskeys: Passkeys = {
  create: (options, prfSalt) =>
    ceremony(async () => {
      const parsed = v.parse(Creation, options);
      const optionsJSON = { ...parsed, extensions: { ...parsed.extensions, ...prfInput(prfSalt) } };
      return withoutPrf(await startRegistration({ optionsJSON }));
    }),
  get: (options, prfSalt) =>
    ceremony(async () => {
      const parsed = v.parse(Request, options);
      const optionsJSON = { ...parsed, extensions: { ...parsed.extensions, ...prfInput(prfSalt) } };
      return withoutPrf(await startAuthentication({ optionsJSON }));
    }),
};
