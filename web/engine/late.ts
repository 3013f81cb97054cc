/** Parts of the engine that the first paint and the first message do without: chunks of their own, loaded when first used. */
import { LanyingError } from './api.ts';

/** Loads once; `network.unreachable` when the chunk cannot be had now, and the next call tries again. */
export function late<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null;
  return async () => {
    const mine = (loading ??= load());
    try {
      return await mine;
    } catch (cause) {
      if (loading === mine) loading = null;
      throw new LanyingError('network.unreachable', { reason: cause instanceof Error ? cause.name : 'chunk' });
    }
  };
}
