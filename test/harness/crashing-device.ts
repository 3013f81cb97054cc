/**
 * A device that can die between any two steps: after a batch is on its disk, or after a frame left it. What was durable
 * stays in the profile; everything else of the dead engine goes nowhere any more.
 */
import { LanyingError } from '../../web/engine/api.ts';
import type { LocalStore, Network, Socket, SocketHandlers, StoreWrite } from '../../web/engine/ports.ts';
import { type MemoryProfile, openMemoryStore } from '../../web/platform/node/memory-store.ts';

export class CrashingDevice {
  readonly store: LocalStore;
  readonly network: Network;
  /** Steps since `arm`: batches and frames, in order. */
  readonly steps: ('batch' | 'frame')[] = [];
  readonly #sockets = new Set<Socket>();
  #stepsLeft: number | null = null;
  #dead = false;
  #died: () => void = () => undefined;
  /** Resolves when it died. */
  readonly died = new Promise<void>((resolve) => {
    this.#died = resolve;
  });

  constructor(profile: MemoryProfile, network: Network) {
    const inner = openMemoryStore(profile);
    const alive = <T>(run: () => Promise<T>): Promise<T> => (this.#dead ? Promise.reject(new LanyingError('storage.failed')) : run());
    this.store = {
      get: (key) => alive(() => inner.get(key)),
      range: (from, to, options) => alive(() => inner.range(from, to, options)),
      batch: (writes: readonly StoreWrite[]) =>
        alive(async () => {
          await inner.batch(writes);
          this.#step('batch');
          // A process that dies in the middle of a write never hears that it is done.
          if (this.#dead) throw new LanyingError('storage.failed');
        }),
      deviceKeys: () => alive(() => inner.deviceKeys()),
      erase: () => alive(() => inner.erase()),
      close: () => inner.close(),
    };
    this.network = {
      post: (command, body) => (this.#dead ? Promise.reject(new LanyingError('network.unreachable')) : network.post(command, body)),
      connect: (handlers) => this.#connect(network, handlers),
      onOnline: (listener) => network.onOnline(listener),
    };
  }

  /** Lets this many steps happen, the last one wholly, and dies. */
  arm(steps: number): void {
    this.steps.length = 0;
    this.#stepsLeft = steps;
  }

  get dead(): boolean {
    return this.#dead;
  }

  #step(kind: 'batch' | 'frame'): void {
    this.steps.push(kind);
    if (this.#stepsLeft === null || this.steps.length < this.#stepsLeft) return;
    this.#dead = true;
    for (const socket of this.#sockets) socket.close();
    this.#died();
  }

  #connect(network: Network, handlers: SocketHandlers): Socket {
    if (this.#dead) return { send: () => undefined, close: () => undefined };
    const quiet = <A extends readonly unknown[]>(run: (...parts: A) => void) => (...parts: A) => {
      if (!this.#dead) run(...parts);
    };
    const inner = network.connect({
      onOpen: quiet(handlers.onOpen),
      onFrame: quiet(handlers.onFrame),
      onClose: () => {
        this.#sockets.delete(inner);
        if (!this.#dead) handlers.onClose();
      },
    });
    this.#sockets.add(inner);
    return {
      send: (frame) => {
        if (this.#dead) return;
        inner.send(frame);
        this.#step('frame');
      },
      close: () => inner.close(),
    };
  }
}
