/** When the last backup of a data folder was made: `last-backup` there, for `lanying doctor` and for metrics. */
import { join } from 'node:path';
import * as v from 'valibot';
import { readIfThere, writeWhole } from '../durable-files.ts';

const LastBackup = v.strictObject({ takenAt: v.pipe(v.number(), v.safeInteger(), v.minValue(0)), bytes: v.number(), files: v.number() });
export type LastBackup = v.InferOutput<typeof LastBackup>;

const pathOf = (dataFolder: string): string => join(dataFolder, 'last-backup');

/** Null when there was none, or what says so was damaged. */
export async function lastBackup(dataFolder: string): Promise<LastBackup | null> {
  const bytes = await readIfThere(pathOf(dataFolder));
  if (bytes === null) return null;
  try {
    const parsed = v.safeParse(LastBackup, JSON.parse(Buffer.from(bytes).toString('utf8')));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

export const noteBackup = (dataFolder: string, { takenAt, bytes, files }: LastBackup): Promise<void> =>
  writeWhole(pathOf(dataFolder), Buffer.from(JSON.stringify({ takenAt, bytes, files })));
