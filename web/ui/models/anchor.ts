/** Whether a timeline follows its end: while one reads above it nothing moves, and whoever was at the end stays there. */

/** Pixels, as the list says them. */
export interface Place {
  readonly offset: number;
  readonly size: number;
  readonly viewport: number;
}

export interface Anchor {
  readonly follows: boolean;
  /** The person used wheel, finger, pointer or keys in the list since it was last at the end. */
  readonly touched: boolean;
  readonly offset: number;
  readonly size: number;
}

/** Closer to the end than this counts as being there; pixels. */
export const nearEnd = 48;

export const following: Anchor = { follows: true, touched: false, offset: 0, size: 0 };
export const reading = (anchor: Anchor): Anchor => ({ ...anchor, follows: false });
export const touched = (anchor: Anchor): Anchor => ({ ...anchor, touched: true });

export const isAtEnd = ({ offset, size, viewport }: Place): boolean => size - offset - viewport < nearEnd;

/**
 * The list moved. Only going up leaves the end, and only when a person did it: what arrives makes the list longer below,
 * and measured rows move it by what they grew or shrank, both with a new size and without a touch.
 */
export function moved(anchor: Anchor, place: Place): Anchor {
  const { offset, size } = place;
  if (isAtEnd(place)) return { follows: true, touched: false, offset, size };
  const left = offset < anchor.offset && (anchor.touched || size === anchor.size);
  return { ...anchor, follows: anchor.follows && !left, offset, size };
}
