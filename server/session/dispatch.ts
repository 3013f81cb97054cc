/** One call through the router, for both doors: measures, logs, and turns a throw into a typed refusal. */
import type { CommandName } from '#protocol/commands/index.ts';
import { type ErrorCode, refuse } from '#protocol/errors.ts';
import type { CallContext, Reply, Router } from '../commands/router.ts';
import type { Door, Ops } from '../ops/ops.ts';
import { StoreFailure, StoreFull } from '../ports/store.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { InFlight } from './in-flight.ts';

export interface DispatchParts {
  readonly router: Router;
  readonly ops: Ops;
  readonly runtime: Runtime;
  readonly inFlight: InFlight;
}

export type Dispatch = (door: Door, command: CommandName, input: unknown, context: CallContext) => Promise<Reply>;

/** [Z1] */
function codeOf(cause: unknown): ErrorCode {
  if (cause instanceof StoreFull) return 'storage.full';
  return cause instanceof StoreFailure ? 'server.unavailable' : 'server.internal';
}

/** Calls are numbered behind a random start, so that log lines of several starts do not share ids. */
export function createDispatch({ router, ops, runtime, inFlight }: DispatchParts): Dispatch {
  const start = Buffer.from(runtime.random(6)).toString('hex');
  let calls = 0;
  return async (door, command, input, context) => {
    calls += 1;
    const requestId = `${start}-${calls}`;
    const startedAt = runtime.monotonic();
    inFlight.enter();
    let reply: Reply;
    try {
      // [F3] Every row's input is an object; the schemas take an empty array for an empty one.
      reply = Array.isArray(input) ? { result: refuse('input.invalid') } : await router.call(command, input, context, requestId);
    } catch (cause) {
      // [Z1] A full disk was told when it became full; a line for each refused call would fill it further.
      if (!(cause instanceof StoreFull)) ops.callFailed(requestId, command, cause);
      reply = { result: refuse(codeOf(cause)) };
    } finally {
      inFlight.leave();
    }
    const outcome = reply.result.ok ? 'ok' : reply.result.code;
    ops.called({ requestId, door, command, outcome, elapsedMs: runtime.monotonic() - startedAt });
    return reply;
  };
}
