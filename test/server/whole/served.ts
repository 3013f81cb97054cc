/** The people of world.ts as clients of a whole server, over HTTP and sockets. */
import * as v from 'valibot';
import { type CommandName, commands, type Output } from '#protocol/commands/index.ts';
import { isErrorCode, ok, refuse, type Result } from '#protocol/errors.ts';
import type { SessionId, UserId } from '#protocol/ids.ts';
import { outputFromJson } from '../../../server/commands/json.ts';
import type { CallContext } from '../../../server/commands/router.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import type { SessionRecord } from '../../../server/ports/store.ts';
import type { MovedClock } from '../../harness/moved-clock.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import type { TestSocket } from '../../harness/door.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { password, type Peer, value, World } from '../commands/world.ts';

const Refusal = v.object({ code: v.pipe(v.string(), v.check(isErrorCode)), detail: v.optional(v.record(v.string(), v.unknown())) });

export class Served extends World {
  readonly #cookies = new Map<SessionId, string>();

  constructor(readonly server: Pick<TestServer, 'post' | 'setupToken'>) {
    super(new FakeRuntime('served', systemRuntime.now()));
  }

  /** The cookie of a peer's session. */
  cookie(peer: Peer): string {
    return value(this.#cookies.get(peer.sessionId));
  }

  /** People whose session has grown old confirm with their password when they are asked to, and go on. */
  override async call<N extends CommandName>(
    name: N,
    input: unknown,
    context: Partial<CallContext> = {},
  ): Promise<{ readonly result: Result<Output<N>> }> {
    const reply = await this.#once(name, input, context);
    if (reply.result.ok || reply.result.code !== 'step_up.required') return reply;
    await this.#once('session.stepUp', { proof: { kind: 'password', password } }, context);
    return this.#once(name, input, context);
  }

  async #once<N extends CommandName>(name: N, input: unknown, context: Partial<CallContext>): Promise<{ readonly result: Result<Output<N>> }> {
    const { session = null } = context;
    const { status, body, cookie } = await this.server.post(name, input, session === null ? null : (this.#cookies.get(session.sessionId) ?? null));
    if (status !== 200) {
      const { code, detail } = v.parse(Refusal, body);
      return { result: isErrorCode(code) ? refuse(code, detail) : refuse('server.internal') };
    }
    const output = v.parse(commands[name].output, outputFromJson(name, body));
    if (cookie !== null && 'sessionId' in output) this.#cookies.set(v.parse(commands['session.get'].output, output).sessionId, cookie);
    // Parsed by this very row, which the table's keys cannot say to the compiler.
    return { result: ok(output as Output<N>) };
  }

  /** A peer needs no more of its session than the id, by which its cookie is found. */
  override async sessionOf(sessionId: SessionId): Promise<SessionRecord> {
    const blank = new Uint8Array(32);
    return { sessionId, secretHash: blank, userId: this.id<UserId>(), deviceId: null, createdAt: 0, expiresAt: Number.MAX_SAFE_INTEGER };
  }

  override async owner(): Promise<Peer> {
    return this.person('owner', { kind: 'setup', token: this.server.setupToken });
  }
}

/** A server of a test's own, and its people. A clock is set right first. */
export async function served(clock?: MovedClock): Promise<{ readonly server: TestServer; readonly world: Served }> {
  if (clock !== undefined) clock.shiftMs = 0;
  const server = await startServer(clock === undefined ? {} : { runtime: clock.runtime });
  return { server, world: new Served(server) };
}

export function answerOf<N extends CommandName>(name: N, frame: Awaited<ReturnType<TestSocket['call']>>): Output<N> {
  if (frame.kind !== 'answer') throw new Error(frame.code);
  return v.parse(commands[name].output, frame.output);
}
