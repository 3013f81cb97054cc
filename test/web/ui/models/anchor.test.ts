import { describe, expect, it } from 'vitest';
import { type Anchor, following, moved, type Place, reading, touched } from '../../../../web/ui/models/anchor.ts';

const viewport = 600;
/** Distance to the end, for a list of this size. */
const at = (size: number, toEnd: number): Place => ({ size, viewport, offset: size - viewport - toEnd });
const through = (anchor: Anchor, ...places: readonly Place[]): Anchor => places.reduce(moved, anchor);

describe('a person at the end', () => {
  const there = through(following, at(2_000, 0));
  it('stays there while a queue flushes between what others write', () => {
    // Rows come below, are measured, shrink as "Sending…" goes, and the list makes up for what changed above.
    const busy = through(there, at(2_400, 400), at(2_380, 390), at(2_376, 376), { size: 2_360, viewport, offset: 1_380 }, at(2_900, 540));
    expect(busy.follows).toBe(true);
    expect(through(busy, at(2_900, 0))).toMatchObject({ follows: true, touched: false });
  });
  it('stays there after a touch that did not move up', () => {
    expect(through(touched(there), at(2_400, 400)).follows).toBe(true);
  });
  it('leaves by going up, whatever is measured meanwhile', () => {
    expect(through(there, at(2_000, 90)).follows).toBe(false);
    expect(through(touched(there), { size: 2_060, viewport, offset: 1_300 }).follows).toBe(false);
  });
  it('does not leave by a pixel', () => {
    expect(through(touched(there), at(2_000, 40)).follows).toBe(true);
  });
});

describe('a person who reads above', () => {
  const above = through(touched(through(following, at(2_000, 0))), at(2_000, 700));
  it('follows again only at the end', () => {
    expect(through(above, at(2_500, 1_200), at(2_500, 300)).follows).toBe(false);
    expect(through(above, at(2_500, 1_200), at(2_500, 0)).follows).toBe(true);
  });
  it('is also whoever opens at the first new message', () => {
    expect(through(reading(following), at(2_000, 900)).follows).toBe(false);
  });
});
