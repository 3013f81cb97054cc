import { expect, test } from 'vitest';
import { sweepUploads } from '../../../server/jobs/sweep-uploads.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { openMemoryStore } from '../../../server/storage/memory/store.ts';
import { newFile } from '../../contract/blobs-contract.ts';
import { dayMs, startMs } from '../../contract/people.ts';

const roomy = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 10_000, personOpenMax: 10_000 };

test('[B9] a run removes what expired, however much of it there is, and nothing else', async () => {
  const { blobs } = openMemoryStore();
  for (let at = 0; at < 120; at += 1) await blobs.create(newFile(`old ${at}`, 1), roomy);
  await blobs.create(newFile('young', 1, { expiresAt: startMs + 3 * dayMs }), roomy);
  const job = sweepUploads(blobs, { ...systemRuntime, now: () => startMs + 2 * dayMs });
  expect(await job.run()).toBe(120);
  expect(await job.run()).toBe(0);
  expect((await blobs.usage(null)).files).toBe(1);
});
