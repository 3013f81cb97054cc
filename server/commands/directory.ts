import type { CommandName } from '#protocol/commands/index.ts';
import { answer, type Handlers } from './handler.ts';
import type { Services } from './services.ts';

export function directoryHandlers({ directory }: Services): Handlers<Extract<CommandName, `directory.${string}`>> {
  return {
    'directory.head': async (input) => ({ result: await directory.head(input) }),
    'directory.leaves': async (input) => answer(await directory.leaves(input)),
    'directory.proof': async (input) => ({ result: await directory.proof(input) }),
  };
}
