/** Spreads what many devices would do at one moment. */
import type { Runtime } from './ports.ts';

/** Anywhere from 0 to 1, both included, in 256 steps. */
export const chance = (runtime: Pick<Runtime, 'random'>): number => (runtime.random(1)[0] ?? 0) / 255;
