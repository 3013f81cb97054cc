/** An answer must fit a frame, whatever its items weigh. */
import { frameBytesMax } from '#protocol/limits.ts';

/** Leaves room for the fields around what is counted. */
export const pageBytesMax = frameBytesMax / 2;

/** The items from the front that weigh at most pageBytesMax together; always the first one. */
export function pageOf<T>(items: readonly T[], bytesOf: (item: T) => number): T[] {
  let bytes = 0;
  const end = items.findIndex((item, index) => {
    bytes += bytesOf(item);
    return index > 0 && bytes > pageBytesMax;
  });
  return items.slice(0, end === -1 ? items.length : end);
}
