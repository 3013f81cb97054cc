/** Commands that screens ask by their names: nothing of the device goes into them, and nothing of their answers is kept. */
import type * as v from 'valibot';
import type { CommandName, commands, Output } from '#protocol/commands/index.ts';
import type { Connection } from './connection.ts';
import { post } from './http.ts';
import type { Network } from './ports.ts';

export type AskedCommand = Extract<
  CommandName,
  | 'session.list'
  | `session.revoke${string}`
  | 'session.stepUp'
  | 'session.stepUpOptions'
  | 'factor.list'
  | 'passkey.rename'
  | 'passkey.remove'
  | `totp.${string}`
  | `recoveryCodes.${string}`
  | `password.${string}`
  | `passwordReset.${string}`
  | `signInPolicy.${string}`
>;
export type AskedOutput<N extends AskedCommand> = Output<N>;
export type AskedInput<N extends AskedCommand> = v.InferInput<(typeof commands)[N]['input']>;

/** Not read off the table, of which a browser has the answers alone (scripts/build/client-commands.ts); a test holds them together. */
export const askedByPost: ReadonlySet<AskedCommand> = new Set<AskedCommand>(['session.revokeAll', 'passwordReset.check', 'passwordReset.finish']);

/** Over the socket, but for what sets or takes the cookie and what needs nobody. */
export async function ask<N extends AskedCommand>(
  connection: Connection,
  network: Network,
  command: N,
  input: AskedInput<N>,
): Promise<Output<N>> {
  return askedByPost.has(command) ? post(network, command, input) : connection.call(command, input);
}
