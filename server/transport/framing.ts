/** Whether a request's head says in one way only where it ends and for whom it is ([F7]). */
import type { HttpRequest } from 'uWebSockets.js';

const once = new Set(['content-length', 'transfer-encoding', 'host', 'origin']);

/**
 * True where this relay and a proxy in front of it could read two requests out of the same bytes, or believe two origins:
 * such a head is refused and its connection closed (RFC 9112 §3.2, §6.3).
 */
export function isAmbiguous(req: HttpRequest): boolean {
  const seen = new Set<string>();
  let twice = false;
  req.forEach((name) => {
    if (!once.has(name)) return;
    twice ||= seen.has(name);
    seen.add(name);
  });
  if (!seen.has('transfer-encoding')) return twice;
  return twice || seen.has('content-length') || req.getHeader('transfer-encoding').toLowerCase() !== 'chunked';
}
