/**
 * Structural sharing: what comes through a port is a fresh copy every time. Where it equals what was there before, the
 * old object is kept, so that screens see by identity what has changed.
 */
type Plain = Readonly<Record<string, unknown>>;
const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What names an element of our lists; others are matched by place. */
const names = ['key', 'conversationId', 'userId'] as const;
function nameOf(value: unknown): string | null {
  if (!isPlain(value)) return null;
  for (const name of names) if (typeof value[name] === 'string') return value[name];
  return null;
}

function shareList(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  const known = new Map(before.map((item) => [nameOf(item), item]));
  const next = after.map((item, index) => {
    const name = nameOf(item);
    return share(name === null ? before[index] : known.get(name), item);
  });
  return next.length === before.length && next.every((item, index) => item === before[index]) ? before : next;
}

/** `after`, with every part that equals the same part of `before` replaced by that part. Plain data only. */
export function share<T>(before: unknown, after: T): T;
export function share(before: unknown, after: unknown): unknown {
  if (Object.is(before, after)) return before;
  if (Array.isArray(after)) return Array.isArray(before) ? shareList(before, after) : after;
  if (!isPlain(after) || !isPlain(before)) return after;
  const keys = Object.keys(after);
  let same = keys.length === Object.keys(before).length;
  const next: Record<string, unknown> = {};
  for (const key of keys) {
    next[key] = share(before[key], after[key]);
    if (next[key] !== before[key] || !Object.hasOwn(before, key)) same = false;
  }
  return same ? before : next;
}
