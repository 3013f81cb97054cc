/** Removes uploads that were never finished, and ends removals that a crash cut off ([B9], [B8]). */
import type { BlobStore } from '../ports/blob-store.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Job } from './scheduler.ts';

const sweepBatchMax = 50;
const sweepBatchesMax = 40;

export function sweepUploads(blobs: Pick<BlobStore, 'sweep'>, runtime: Runtime): Job {
  return {
    name: 'sweep-uploads',
    cron: '*/10 * * * *',
    async run() {
      let swept = 0;
      for (let batch = 0; batch < sweepBatchesMax; batch += 1) {
        const count = await blobs.sweep(runtime.now(), sweepBatchMax);
        swept += count;
        if (count < sweepBatchMax) break;
      }
      return swept;
    },
  };
}
