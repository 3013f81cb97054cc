/** Counts TCP connections, sockets among them, and turns away what the process has no descriptors for. */
import type { HttpResponse } from 'uWebSockets.js';
import type { LoadMeter } from '../ops/load.ts';

export class Connected {
  #http = 0;
  #sockets = 0;

  constructor(
    readonly connectionsMax: number,
    readonly load: Pick<LoadMeter, 'connections' | 'connectionRefused' | 'connectionUnheard'>,
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
      this.load.connectionRefused();
      res.close();
      return;
    }
    // The first request puts its own handler in the place of this one.
    res.onAborted(() => this.load.connectionUnheard());
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
    this.load.connections(this.#http);
  }
}
