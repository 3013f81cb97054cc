/** Runs costly work a few at a time; a bounded number waits in order. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(
    readonly runningMax: number,
    readonly waitingMax: number,
  ) {}

  /** Null, at once, when too many wait already; else what the work gives. */
  run<T>(work: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.runningMax) {
      this.#running += 1;
      return this.#work(work);
    }
    if (this.#waiting.length >= this.waitingMax) return null;
    return new Promise<void>((turn) => this.#waiting.push(turn)).then(() => this.#work(work));
  }

  /** Its slot passes on to whoever waits longest. */
  async #work<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
