/** Counts TCP connections, sockets among them, and turns away what the process has no descriptors for. */
import type { HttpResponse } from 'uWebSockets.js';
import type { Ops } from '../ops/ops.ts';

export class Connected {
  #http = 0;
  #sockets = 0;

  constructor(
    readonly connectionsMax: number,
    readonly ops: Pick<Ops, 'connections' | 'connectionRefused' | 'connectionUnheard'>,
  ) {}

  /**
   * The relay's filter. `change`: 1 for one that was accepted, -1 for one that closed without having become a socket.
   * Accepting and closing at once costs a flood its connections; not accepting would leave the listener readable for ever.
   */
  changed(res: HttpResponse, change: number): void {
    this.#http += change;
    this.#tell();
    if (change < 0) return;
    if (this.#http + this.#sockets > this.connectionsMax) {
      this.ops.connectionRefused();
      res.close();
      return;
    }
    // The first request puts its own handler in the place of this one.
    res.onAborted(() => this.ops.connectionUnheard());
  }

  /** The relay does not tell its filter of these. */
  upgraded(): void {
    this.#http -= 1;
    this.#sockets += 1;
    this.#tell();
  }
  socketClosed(): void {
    this.#sockets -= 1;
  }

  #tell(): void {
    this.ops.connections(this.#http);
  }
}
