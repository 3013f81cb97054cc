/**
 * Why an MLS operation was refused. Stable: callers and tests branch on it.
 * - `malformed`: not the encoding that was asked for (RFC 9420 §2.1, §6)
 * - `too_large`: over the bound of its kind; nothing was parsed
 * - `unsupported`: well-formed, but outside what lanying uses (proposal kinds, references, private messages, suites)
 * - `wrong_group`, `wrong_epoch`: a commit of another group, or of an epoch that this state is not in
 * - `wrong_suite`: a key package or state of another cipher suite than the group's
 * - `not_a_member`: names a leaf that is blank or outside the tree
 * - `removed`: this state's own leaf was removed; only reading its members is possible
 * - `not_for_us`: a welcome without an entry for the given key package
 * - `expired`: a key package outside its lifetime
 * - `credential_refused`: the credential check said no to a leaf, or the credential is not a basic one
 * - `policy_refused`: the caller's policy (or the rule for external commits) said no
 * - `invalid`: breaks a validation rule of RFC 9420 (§7.3, §12.2, §12.4.3.1, …)
 * - `crypto_failed`: a signature, tag or decryption does not verify
 * - `misuse`: the caller's own mistake
 */
export type MlsErrorCode =
  | 'malformed'
  | 'too_large'
  | 'unsupported'
  | 'wrong_group'
  | 'wrong_epoch'
  | 'wrong_suite'
  | 'not_a_member'
  | 'removed'
  | 'not_for_us'
  | 'expired'
  | 'credential_refused'
  | 'policy_refused'
  | 'invalid'
  | 'crypto_failed'
  | 'misuse';

/** Every failure of `web/engine/mls`. The message is for logs and holds no key material; `cause` keeps the library's error. */
export class MlsError extends Error {
  override readonly name = 'MlsError';
  readonly code: MlsErrorCode;

  constructor(code: MlsErrorCode, message: string, cause?: unknown) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
