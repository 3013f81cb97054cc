/** What a command of `lanying` has of a shell beside lines: here nothing goes in and no bytes come out. */
import type { Shell } from '../../scripts/cli/command.ts';

export const noStreams: Pick<Shell, 'write' | 'read' | 'progress'> = {
  write: () => Promise.reject(new Error('nothing reads these bytes')),
  read: async function* () {},
  progress: () => undefined,
};
