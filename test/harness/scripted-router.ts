/** A tiny real router: each command does what the test says, anything else is unknown. */
import type { CommandName } from '#protocol/commands/index.ts';
import { refuse } from '#protocol/errors.ts';
import type { CallContext, Effect, Router } from '../../server/session/seam.ts';

export interface ScriptedReply {
  readonly result: { readonly ok: true; readonly value: unknown } | ReturnType<typeof refuse>;
  readonly effect?: Effect;
}
type Script = (input: unknown, context: CallContext) => Promise<ScriptedReply>;

export class ScriptedRouter implements Router {
  readonly calls: { readonly name: CommandName; readonly input: unknown; readonly context: CallContext }[] = [];
  readonly #scripts = new Map<CommandName, Script>();

  on(name: CommandName, script: Script): void {
    this.#scripts.set(name, script);
  }
  // Outputs are whatever a test scripts, so they do not bear the row's type.
  call: Router['call'] = async (name, input, context): Promise<never> => {
    this.calls.push({ name, input, context });
    const script = this.#scripts.get(name);
    return (script === undefined ? { result: refuse('command.unknown') } : await script(input, context)) as never;
  };
}
