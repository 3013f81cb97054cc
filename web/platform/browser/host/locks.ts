/** Web Locks: one engine for a profile, and the life of a page as seen from a worker. */

const engineLock = 'lanying-engine';

/**
 * Holds the engine's lock from when this resolves until `onLost` (stolen by another worker) or the end of the worker.
 * Where somebody has it, `onWaiting` is called and the wait goes on: the lock comes when they close.
 */
export async function acquireEngineLock(options: { readonly steal: boolean; onWaiting(): void; onLost(): void }): Promise<void> {
  if (!options.steal) {
    const { held = [] } = await navigator.locks.query();
    if (held.some((lock) => lock.name === engineLock)) {
      // A page that reloads leaves its worker a moment to end: only a lock that stays is somebody else's.
      const waiting = setTimeout(options.onWaiting, 1_000);
      return hold({}, options.onLost).finally(() => clearTimeout(waiting));
    }
  }
  return hold({ steal: options.steal }, options.onLost);
}

function hold(request: LockOptions, onLost: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let held = false;
    navigator.locks
      .request(engineLock, request, () => {
        held = true;
        resolve();
        return new Promise<never>(() => undefined);
      })
      .catch((error: unknown) => (held ? onLost() : reject(error)));
  });
}

/** A lock of this page's own, held until it is gone. Resolves with its name once held. */
export function holdPageLock(): Promise<string> {
  const name = `lanying-page-${crypto.randomUUID()}`;
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, () => {
        resolve(name);
        return new Promise<never>(() => undefined);
      })
      .catch(reject);
  });
}

export function onLockFree(name: string, free: () => void): void {
  // Where the request itself fails, the worker is ending and nobody has to be told.
  navigator.locks.request(name, () => free()).catch(() => undefined);
}
