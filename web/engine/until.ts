import { type EngineSnapshot, LanyingError } from './api.ts';
import type { Listeners } from './listeners.ts';

/** Resolves at the first snapshot at which it is reached; rejects with `engine.closed`. */
export function until(
  snapshots: Listeners<EngineSnapshot>,
  reached: () => boolean,
  closed: () => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = (): boolean => {
      if (reached()) resolve();
      else if (closed()) reject(new LanyingError('engine.closed'));
      return reached() || closed();
    };
    if (check()) return;
    const stop = snapshots.add(() => {
      if (check()) stop();
    });
  });
}
