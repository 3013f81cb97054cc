/** Cookies of one origin (RFC 6265 §5.3, without domains and paths, which a single origin does not need). */

/** Far above what a server of ours sets. */
const cookiesMax = 16;

export class CookieJar {
  readonly #cookies = new Map<string, string>();

  /** Takes the values of Set-Cookie headers; one that is expired or has Max-Age 0 deletes. */
  take(headers: readonly string[]): void {
    for (const header of headers) {
      const [pair = '', ...attributes] = header.split(';').map((part) => part.trim());
      const equals = pair.indexOf('=');
      if (equals <= 0) continue;
      const name = pair.slice(0, equals);
      this.#cookies.delete(name);
      if (!attributes.some(ends) && this.#cookies.size < cookiesMax) this.#cookies.set(name, pair.slice(equals + 1));
    }
  }

  /** Value of a Cookie header, empty when there is none. */
  header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

/** Only what ends a cookie at once: the session's real lifetime is the server's to enforce. */
function ends(attribute: string): boolean {
  const [name = '', value = ''] = attribute.split('=', 2);
  if (name.toLowerCase() === 'max-age') return Number(value) <= 0;
  return name.toLowerCase() === 'expires' && Date.parse(value) <= 0;
}
