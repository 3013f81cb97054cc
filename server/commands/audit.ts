import type { CommandName } from '#protocol/commands/index.ts';
import { answer, type Handlers } from './handler.ts';
import type { Services } from './services.ts';

export function auditHandlers({ audit }: Services): Handlers<Extract<CommandName, `audit.${string}`>> {
  return {
    'audit.list': async (input) => answer(await audit.list(input)),
    'audit.head': async (input) => ({ result: await audit.head(input) }),
    'audit.proof': async (input) => ({ result: await audit.proof(input) }),
    'audit.export': async (input, caller) => answer(await audit.export(input, caller.audit)),
  };
}
