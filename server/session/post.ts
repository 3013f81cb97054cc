/** `POST /api/v1/<command>`: the same command table by JSON [F5]. Knows headers and bytes, not sockets. */
import { type CommandName, commands, isCommandName } from '#protocol/commands/index.ts';
import { type ErrorCode, type ErrorDetail, errors } from '#protocol/errors.ts';
import { nestingMax } from '#protocol/limits.ts';
import type { Effect } from '../commands/router.ts';
import { type CookieForm, clearCookie, knownForm, readCookie, setCookie, setKnownCookie } from './cookie.ts';
import type { Dispatch } from './dispatch.ts';
import type { SessionLookup, SessionRecord } from './seam.ts';

export interface PostHead {
  readonly method: string;
  /** What follows `/api/v1/`. */
  readonly command: string;
  /** Header values, '' when absent. */
  readonly origin: string;
  readonly cookie: string;
  readonly contentType: string;
  readonly address: string;
  /** `User-Agent`. */
  readonly agent: string;
}

export interface PostAnswer {
  readonly status: number;
  readonly body: string;
  /** Beyond content-type. */
  readonly headers: readonly (readonly [string, string])[];
}

/** Bytes as base64url in JSON, directed by the row's schema (commands/json.ts). */
export interface JsonForm {
  /** Never throws; what does not fit the schema is passed on for the router to refuse. */
  readonly input: (command: CommandName, json: unknown) => unknown;
  readonly output: (command: CommandName, output: unknown) => unknown;
}

export interface PostParts {
  readonly origin: string;
  readonly cookie: CookieForm;
  readonly dispatch: Dispatch;
  readonly sessions: SessionLookup;
  readonly json: JsonForm;
  /** domain/sessions.ts */
  readonly cookieValue: (effect: Extract<Effect, { kind: 'session-started' }>) => string;
}

export function refusalAnswer(code: ErrorCode, detail: ErrorDetail = {}): PostAnswer {
  const headers: [string, string][] = [];
  if (detail.retryAfterMs !== undefined) headers.push(['retry-after', String(Math.max(1, Math.ceil(detail.retryAfterMs / 1_000)))]);
  return { status: errors[code].status, body: JSON.stringify({ code, detail }), headers };
}

export const needsSession = (command: string): boolean => isCommandName(command) && commands[command].who !== 'anyone';

/** What can be refused before the body is read; null: read it. */
export function refuseHead(head: PostHead, parts: Pick<PostParts, 'origin' | 'cookie'>): PostAnswer | null {
  if (!isCommandName(head.command)) return refusalAnswer('command.unknown');
  if (head.method !== 'post') {
    return { status: 405, body: JSON.stringify({ code: 'command.unknown', detail: { reason: 'method' } }), headers: [['allow', 'POST']] };
  }
  // [O2] No Origin passes only without a cookie: no browser sends such a POST.
  const refused = head.origin === '' ? readCookie(head.cookie, parts.cookie) !== null : head.origin !== parts.origin;
  if (refused) return refusalAnswer('origin.refused');
  if (needsSession(head.command) && readCookie(head.cookie, parts.cookie) === null) return refusalAnswer('session.required');
  if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(head.contentType)) return refusalAnswer('input.content_type');
  return null;
}

/** JSON of at most nestingMax levels, or null for anything else. Never throws. */
export function parseJson(body: Uint8Array): { readonly json: unknown } | null {
  if (nestsTooDeep(body)) return null;
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return { json };
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return null;
    throw cause;
  }
}

/** Counts brackets outside of strings; JSON's structure is ASCII, so bytes will do (RFC 8259 §2). */
function nestsTooDeep(body: Uint8Array): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (quoted) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    if (depth > nestingMax) return true;
  }
  return false;
}

/** The whole call, once the head passed and the body is there. */
export async function answerPost(head: PostHead, body: Uint8Array, parts: PostParts): Promise<PostAnswer> {
  const parsed = parseJson(body);
  if (parsed === null || !isCommandName(head.command)) return refusalAnswer('input.malformed');
  const value = readCookie(head.cookie, parts.cookie);
  const session: SessionRecord | null = value === null ? null : await parts.sessions.authenticate(value);
  const input = parts.json.input(head.command, parsed.json);
  const { result, effect } = await parts.dispatch('http', head.command, input, {
    session,
    address: head.address,
    agent: head.agent,
    known: readCookie(head.cookie, knownForm(parts.cookie)),
  });
  if (!result.ok) return refusalAnswer(result.code, result.detail);
  const headers: [string, string][] = [];
  if (effect?.kind === 'session-started') {
    headers.push(['set-cookie', setCookie(parts.cookie, parts.cookieValue(effect))], ['set-cookie', setKnownCookie(parts.cookie, effect.known)]);
  }
  if (effect?.kind === 'session-ended') headers.push(['set-cookie', clearCookie(parts.cookie)]);
  return { status: 200, body: JSON.stringify(parts.json.output(head.command, result.value)), headers };
}
