import type { Face } from '../models/people.ts';

/** Decorative: the name always stands beside it. */
export function Avatar({ face, size = 40 }: { readonly face: Face; readonly size?: 28 | 36 | 40 }) {
  return (
    <span className={`avatar avatar-${size} tint-${face.tint}`} aria-hidden="true">
      {face.initial}
    </span>
  );
}
