/**
 * Every refusal a client can meet. A code is stable: texts in both languages, SDK users and tests hang on it.
 * `status` is the HTTP status of the same refusal on `POST /api/v1/<command>`; `retry` says whether the very same
 * request may succeed later without anybody changing it.
 */
export const errors = {
  'input.malformed': { status: 400, retry: false },
  'input.invalid': { status: 400, retry: false },
  'input.too_large': { status: 413, retry: false },
  'input.content_type': { status: 415, retry: false },
  'command.unknown': { status: 404, retry: false },
  'command.http_only': { status: 400, retry: false },
  'command.too_many_in_flight': { status: 429, retry: true },
  'origin.refused': { status: 403, retry: false },
  'session.required': { status: 401, retry: false },
  'session.unknown': { status: 404, retry: false },
  'device.required': { status: 403, retry: false },
  'device.unknown': { status: 404, retry: false },
  'device.refused': { status: 403, retry: false },
  'approval.unknown': { status: 404, retry: false },
  'approval.too_many': { status: 409, retry: false },
  'device.too_many': { status: 409, retry: false },
  'permission.denied': { status: 403, retry: false },
  'rate.limited': { status: 429, retry: true },
  'setup.done': { status: 409, retry: false },
  'setup.required': { status: 409, retry: false },
  'setup.token_invalid': { status: 403, retry: false },
  'invite.unknown': { status: 404, retry: false },
  'invite.expired': { status: 410, retry: false },
  'invite.used': { status: 410, retry: false },
  'invite.revoked': { status: 410, retry: false },
  'invite.too_many': { status: 409, retry: false },
  'account.exists': { status: 409, retry: false },
  'handle.taken': { status: 409, retry: false },
  'password.weak': { status: 400, retry: false },
  'sign_in.failed': { status: 401, retry: false },
  /** The password was right; `detail.ceremonyId` and `detail.methods` say how to go on. */
  'second_step.required': { status: 401, retry: false },
  /** What this does needs a proof of the last minutes that it is you: session.stepUp. */
  'step_up.required': { status: 403, retry: false },
  'step_up.failed': { status: 403, retry: false },
  /** `detail.reason`: what this session has to do first (sign-in.ts: Must). */
  'session.restricted': { status: 403, retry: false },
  /** The policy of this server does not let this person sign in so; `detail.reason` names the factor. */
  'factor.forbidden': { status: 403, retry: false },
  /** Without it nobody could sign in as the policy asks, or at all. */
  'factor.last': { status: 409, retry: false },
  'factor.unknown': { status: 404, retry: false },
  'policy.conflict': { status: 409, retry: false },
  'reset.expired': { status: 410, retry: false },
  'passkey.too_many': { status: 409, retry: false },
  'code.wrong': { status: 400, retry: false },
  'ceremony.expired': { status: 410, retry: false },
  'passkey.refused': { status: 400, retry: false },
  'vault.unlockers_missing': { status: 400, retry: false },
  'vault.conflict': { status: 409, retry: false },
  'person.unknown': { status: 404, retry: false },
  'conversation.unknown': { status: 404, retry: false },
  'conversation.exists': { status: 409, retry: false },
  'conversation.too_many': { status: 409, retry: false },
  'member.limit': { status: 409, retry: false },
  'epoch.stale': { status: 409, retry: false },
  'commit.refused': { status: 400, retry: false },
  'message.conflict': { status: 409, retry: false },
  'message.seen_refused': { status: 409, retry: false },
  'cursor.refused': { status: 409, retry: false },
  'key_package.invalid': { status: 400, retry: false },
  'key_package.exhausted': { status: 409, retry: true },
  'audit.ahead': { status: 409, retry: false },
  'audit.unknown': { status: 404, retry: false },
  'directory.ahead': { status: 409, retry: false },
  'retention.too_many': { status: 409, retry: false },
  'hold.unknown': { status: 404, retry: false },
  'hold.second_person': { status: 403, retry: false },
  'hold.too_many': { status: 409, retry: false },
  'erasure.held': { status: 409, retry: false },
  'erasure.owner': { status: 409, retry: false },
  'erasure.expired': { status: 410, retry: false },
  'file.unknown': { status: 404, retry: false },
  'file.expired': { status: 410, retry: false },
  'file.too_large': { status: 413, retry: false },
  'file.quota_exceeded': { status: 413, retry: false },
  'file.too_many_open': { status: 409, retry: false },
  'file.too_many_transfers': { status: 429, retry: true },
  'file.storage_full': { status: 507, retry: true },
  'file.offset_mismatch': { status: 409, retry: false },
  'file.busy': { status: 423, retry: true },
  /** Not registered with IANA: tus 1.0.0, checksum extension. */
  'file.checksum_mismatch': { status: 460, retry: true },
  'file.unfinished': { status: 409, retry: true },
  'file.range_refused': { status: 416, retry: false },
  'file.version_refused': { status: 412, retry: false },
  'file.damaged': { status: 500, retry: false },
  'storage.full': { status: 507, retry: true },
  'server.unavailable': { status: 503, retry: true },
  'server.internal': { status: 500, retry: false },
} as const satisfies Record<string, { readonly status: number; readonly retry: boolean }>;

export type ErrorCode = keyof typeof errors;

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errors, code);

/** What travels beside a code. Never content, never a secret: `field` is a path in the input, `reason` a fixed word. */
export interface ErrorDetail {
  readonly field?: string;
  readonly reason?: string;
  readonly retryAfterMs?: number;
  /** With `epoch.stale`: the epoch that the conversation is in. */
  readonly epoch?: number;
  /** With `second_step.required`. */
  readonly ceremonyId?: string;
  readonly methods?: readonly string[];
}

/** An expected refusal is a value, not an exception (HOUSE rule 8). */
export interface Refusal {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail?: ErrorDetail;
}
export interface Success<T> {
  readonly ok: true;
  readonly value: T;
}
export type Result<T> = Success<T> | Refusal;

export const ok = <T>(value: T): Success<T> => ({ ok: true, value });
export const refuse = (code: ErrorCode, detail?: ErrorDetail): Refusal =>
  detail === undefined ? { ok: false, code } : { ok: false, code, detail };
