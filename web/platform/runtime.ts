/** Clock, randomness and timers of the system; the same in browsers (page and worker) and in Node. */
import type { Runtime, Timer } from '../engine/ports.ts';

/** Longest delay of setTimeout; more would fire at once (HTML §8.6). */
const delayMsMax = 0x7fff_ffff;
/** Longest request of getRandomValues (Web Cryptography API §10.1.1). */
const randomBytesMax = 65_536;

export const systemRuntime: Runtime = {
  now: () => Date.now(),
  random(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += randomBytesMax) crypto.getRandomValues(bytes.subarray(at, at + randomBytesMax));
    return bytes;
  },
  after(delayMs, run): Timer {
    let left = delayMs;
    const wait = (): ReturnType<typeof setTimeout> => {
      const step = Math.min(left, delayMsMax);
      left -= step;
      return setTimeout(() => {
        if (left > 0) handle = wait();
        else run();
      }, step);
    };
    let handle = wait();
    return { cancel: () => clearTimeout(handle) };
  },
};
