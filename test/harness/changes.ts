/** Waits of a test for something that changes: looked at after each change, at no other time. */
export class Changes {
  #waiting: (() => void)[] = [];

  /** Resolves as soon as it holds; at once when it does. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Something changed. */
  tell(): void {
    for (const look of this.#waiting.splice(0)) look();
  }
}
