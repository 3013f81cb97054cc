/** The session cookie on the wire (RFC 6265bis). [S1] */
import { sessionLifetimeMs } from '#protocol/limits.ts';

/** Longest value that is looked at: session id, a separator and the secret, with room. */
const valueLengthMax = 256;

export interface CookieForm {
  /** The `__Host-` prefix makes browsers insist on Secure, Path=/ and no Domain; they accept it on https only. */
  readonly name: string;
  readonly secure: boolean;
}

export const cookieForm = (origin: string): CookieForm =>
  origin.startsWith('https:') ? { name: '__Host-lanying', secure: true } : { name: 'lanying', secure: false };

/** Of a browser that has signed in before ([Q5]); it opens nothing, and stays when the session ends. */
export const knownForm = (form: CookieForm): CookieForm => ({ ...form, name: `${form.name}-known` });
const knownLifetimeSeconds = 365 * 24 * 3_600;
export const setKnownCookie = (form: CookieForm, value: string): string =>
  `${knownForm(form).name}=${value}; ${attributes(form, knownLifetimeSeconds)}`;

/** The session cookie's value in a `Cookie` header; null when absent, empty, overlong or given twice. */
export function readCookie(header: string, form: CookieForm): string | null {
  const values = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${form.name}=`))
    .map((pair) => pair.slice(form.name.length + 1));
  const [value] = values;
  return values.length === 1 && value !== undefined && value.length > 0 && value.length <= valueLengthMax ? value : null;
}

const attributes = (form: CookieForm, maxAgeSeconds: number): string =>
  `Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${form.secure ? '; Secure' : ''}`;

export const setCookie = (form: CookieForm, value: string): string =>
  `${form.name}=${value}; ${attributes(form, Math.floor(sessionLifetimeMs / 1_000))}`;
export const clearCookie = (form: CookieForm): string => `${form.name}=; ${attributes(form, 0)}`;
