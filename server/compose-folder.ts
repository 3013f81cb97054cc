/** A look at a data folder from beside it, for the commands of an operator. Opens and makes nothing. */
import { stat } from 'node:fs/promises';
import { ConfigError } from './config/config.ts';
import { isMade } from './storage/level/opening.ts';
import { witnessPath } from './storage/level/witness.ts';

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause ? String(cause.code) : 'unusable';

/** Whether a store was made in it: opening would make one where there is none. Throws ConfigError for a folder that cannot be looked into. */
export async function holdsStore(dataFolder: string): Promise<boolean> {
  try {
    return await isMade(dataFolder);
  } catch (cause) {
    throw new ConfigError([`LANYING_DATA cannot be used (${codeOf(cause)}): ${dataFolder}`]);
  }
}

/** The last start, stop or minute of a server on the folder; null when none ran there. */
export async function ranLastAt(dataFolder: string): Promise<number | null> {
  try {
    return (await stat(witnessPath(dataFolder))).mtimeMs;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null;
    throw cause;
  }
}
