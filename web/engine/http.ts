/** Commands over `POST /api/v1/<command>`: those that come before a socket can be opened, or that set the cookie. */
import * as v from 'valibot';
import { type CommandName, commands, type Output } from '#protocol/commands/index.ts';
import { isErrorCode } from '#protocol/errors.ts';
import { fromBase64Url } from '#protocol/ids.ts';
import { LanyingError } from './api.ts';
import type { Network } from './ports.ts';

const Refused = v.object({
  code: v.string(),
  detail: v.optional(v.object({ field: v.optional(v.string()), reason: v.optional(v.string()), retryAfterMs: v.optional(v.number()), ceremonyId: v.optional(v.string()), methods: v.optional(v.array(v.string())) })),
});
const Wrapped = v.object({ error: Refused });

/** The only byte field in an answer of these commands. */
function withIdentityKey(body: unknown): unknown {
  const parsed = v.safeParse(v.looseObject({ person: v.looseObject({ identityKey: v.string() }) }), body);
  if (!parsed.success) return body;
  const { person } = parsed.output;
  return { ...parsed.output, person: { ...person, identityKey: fromBase64Url(person.identityKey) } };
}

function refusalOf(body: unknown): LanyingError {
  const wrapped = v.safeParse(Wrapped, body);
  const bare = v.safeParse(Refused, wrapped.success ? wrapped.output.error : body);
  if (!bare.success || !isErrorCode(bare.output.code)) return new LanyingError('server.internal', { reason: 'answer' });
  const { field, reason, retryAfterMs, ceremonyId, methods } = bare.output.detail ?? {};
  return new LanyingError(bare.output.code, {
    ...(field === undefined ? {} : { field }),
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(ceremonyId === undefined ? {} : { ceremonyId }),
    ...(methods === undefined ? {} : { methods }),
  });
}

/** Rejects with the server's refusal or `network.unreachable`. */
export async function post<N extends CommandName>(
  network: Network,
  command: N,
  input: v.InferInput<(typeof commands)[N]['input']>,
): Promise<Output<N>> {
  const { status, body } = await network.post(command, input);
  if (status < 200 || status > 299) throw refusalOf(body);
  const parsed = v.safeParse(commands[command].output, withIdentityKey(body));
  if (!parsed.success) throw new LanyingError('server.internal', { reason: 'answer' });
  return parsed.output;
}
