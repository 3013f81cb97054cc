/** The server that is tortured, and invites of its owner. */
import * as v from 'valibot';
import { commands } from '../../server/protocol/commands/index.ts';
import { ChildServer } from '../../test/harness/child-server.ts';
import type { RawSocket } from '../../test/harness/raw-client.ts';

export const setupToken = 'setup-token-of-the-torture-0123456789';

/** Does not wait until it serves. */
export function serve(origin: string, dataFolder: string, built: boolean): ChildServer {
  const environment = { LANYING_FILES_FREE_MIN: '1M', LANYING_SENDS_PERSON_MAX: '1000000' };
  return new ChildServer({ origin, dataFolder, setupToken, built, environment });
}

/** What the command gives. Throws for a refusal. */
export async function answered(socket: RawSocket, command: keyof typeof commands, input: unknown): Promise<unknown> {
  const frame = await socket.call(command, input);
  if (frame.kind !== 'answer') throw new Error(`${command}: ${JSON.stringify(frame)}`);
  return frame.output;
}

/** Tokens of `count` invites. */
export async function invite(socket: RawSocket, count: number): Promise<readonly string[]> {
  const tokens: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const output = await answered(socket, 'invite.create', { role: 'member' });
    tokens.push(v.parse(commands['invite.create'].output, output).token);
  }
  return tokens;
}
