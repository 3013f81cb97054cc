/** The seam between the transport (sockets, HTTP, cookies) and the commands. */
import type { CommandName, Output } from '#protocol/commands/index.ts';
import type { Result } from '#protocol/errors.ts';
import type { ConversationId, SessionId } from '#protocol/ids.ts';
import type { SessionRecord } from '../ports/store.ts';

/** Given by a socket: puts it on the topic of a conversation. Synchronous, so that `log.tail` can compare and subscribe in one step ([L7]). */
export interface TailPort {
  subscribe(conversationId: ConversationId): void;
}

/** Who calls; built by the transport, never by clients. */
export interface CallContext {
  /** As the store has it now; null: not signed in. */
  readonly session: SessionRecord | null;
  /** Of the peer, for rate limits; never logged. */
  readonly address: string;
  /** Token of a browser that has signed in before; over HTTP alone. */
  readonly known?: string | null;
  /** `User-Agent`; over HTTP alone. */
  readonly agent?: string;
  /** Only on sockets; without it `log.tail` answers with pages and `later`, never with `live`. */
  readonly tail?: TailPort;
}

/** What a command asks the transport to do with the cookie. The value is the session id and the secret (domain/sessions.ts: cookieValue). */
export type Effect =
  | { readonly kind: 'session-started'; readonly sessionId: SessionId; readonly secret: Uint8Array<ArrayBuffer>; readonly known: string }
  | { readonly kind: 'session-ended'; readonly sessionId: SessionId };

export interface Reply<N extends CommandName = CommandName> {
  readonly result: Result<Output<N>>;
  readonly effect?: Effect;
}

export interface Router {
  /**
   * Checks input, caller, permission and limits, then runs the command. `input` is decoded but unchecked (byte fields
   * are Uint8Array). `requestId`: as in the log, `-` when left out. Never throws for bad input; a throw is a broken invariant or a failed store.
   */
  call<N extends CommandName>(name: N, input: unknown, context: CallContext, requestId?: string): Promise<Reply<N>>;
}
