/** What opens an account: the setup token, once, and invites ([A1], [A2], [P2]). */
import type { Input } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { idFromBytes, type InviteId, toBase64Url, type UserId } from '#protocol/ids.ts';
import { inviteLifetimeMsDefault, invitesOpenMax } from '#protocol/limits.ts';
import type { Role } from '#protocol/model.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { AccountStore, InviteRecord, InviteStore } from '../ports/store.ts';
import type { Scribe } from './audit/scribe.ts';
import { sameSecret, sha256, utf8 } from './digests.ts';

export interface GrantToken {
  readonly kind: 'setup' | 'invite';
  readonly token: string;
}

export type Grant = { readonly kind: 'setup' } | { readonly kind: 'invite'; readonly invite: InviteRecord };

export interface GrantParts {
  readonly accounts: AccountStore;
  readonly invites: InviteStore;
  readonly runtime: Runtime;
  readonly setupToken: string;
  readonly origin: string;
}

const tokenBytes = 32;
const hashOf = (token: string): Uint8Array<ArrayBuffer> => sha256(utf8('lanying token 1'), utf8(token));

export interface MadeInvite {
  readonly inviteId: InviteId;
  readonly token: string;
  readonly link: string;
  readonly role: Role;
  readonly expiresAt: number;
}

export class Grants {
  readonly #parts: GrantParts;
  readonly #setupHash: Uint8Array;

  constructor(parts: GrantParts) {
    this.#parts = parts;
    this.#setupHash = hashOf(parts.setupToken);
  }

  /** Refuses setup.done, setup.token_invalid, invite.unknown, .expired, .used, .revoked. */
  async check(grant: GrantToken): Promise<Result<Grant>> {
    if (grant.kind === 'invite') return this.#checkInvite(grant.token);
    if ((await this.#parts.accounts.count()) > 0) return refuse('setup.done');
    return sameSecret(hashOf(grant.token), this.#setupHash) ? ok({ kind: 'setup' }) : refuse('setup.token_invalid');
  }

  async describe(grant: Grant): Promise<{ readonly invitedBy: string | null; readonly role: Role; readonly expiresAt: number | null }> {
    if (grant.kind === 'setup') return { invitedBy: null, role: 'owner', expiresAt: null };
    const inviter = await this.#parts.accounts.byId(grant.invite.createdBy);
    return { invitedBy: inviter?.displayName ?? null, role: grant.invite.role, expiresAt: grant.invite.expiresAt };
  }

  /** Refuses invite.too_many. The token leaves the server once, here; only its hash is kept. */
  async invite(
    createdBy: UserId,
    { role = 'member', lifetimeMs = inviteLifetimeMsDefault, label }: Input<'invite.create'>,
    audit: Scribe<'invite.created'>,
  ): Promise<Result<MadeInvite>> {
    const { runtime, invites, origin } = this.#parts;
    const createdAt = runtime.now();
    const open = (await invites.list()).filter((invite) => invite.state === 'open' && invite.expiresAt > createdAt);
    if (open.length >= invitesOpenMax) return refuse('invite.too_many');
    const inviteId = idFromBytes<InviteId>(runtime.random(16));
    const token = toBase64Url(runtime.random(tokenBytes));
    const expiresAt = createdAt + lifetimeMs;
    const invite: InviteRecord = { inviteId, tokenHash: hashOf(token), role, createdBy, createdAt, expiresAt, state: 'open', usedBy: null, label };
    await invites.create(invite, [audit({ act: 'invite.created', object: { kind: 'invite', id: inviteId }, after: { role, expiresAt } })]);
    // In the fragment, which browsers keep out of requests, so that the token is in no log.
    return ok({ inviteId, token, link: `${origin}/join#token=${token}`, role, expiresAt });
  }

  async list() {
    const now = this.#parts.runtime.now();
    return (await this.#parts.invites.list()).map(({ inviteId, role, createdBy, createdAt, expiresAt, state, usedBy, label = null }) => ({
      inviteId, label, role, createdBy, createdAt, expiresAt, usedBy,
      state: state === 'open' && expiresAt <= now ? ('expired' as const) : state,
    }));
  }

  /** Refuses invite.unknown, invite.used. Revoking twice is fine. */
  async revoke(inviteId: InviteId, audit: Scribe<'invite.revoked'>): Promise<Result<Record<string, never>>> {
    const object = { kind: 'invite', id: inviteId } as const;
    const revoked = audit({ act: 'invite.revoked', object, before: { state: 'open' }, after: { state: 'revoked' } });
    const outcome = await this.#parts.invites.revoke(inviteId, [revoked]);
    if (outcome === 'unknown') return refuse('invite.unknown');
    return outcome === 'used' ? refuse('invite.used') : ok({});
  }

  async #checkInvite(token: string): Promise<Result<Grant>> {
    const invite = await this.#parts.invites.byTokenHash(hashOf(token));
    if (invite === null) return refuse('invite.unknown');
    if (invite.state === 'used') return refuse('invite.used');
    if (invite.state === 'revoked') return refuse('invite.revoked');
    if (invite.expiresAt <= this.#parts.runtime.now()) return refuse('invite.expired');
    // [R15] Made while its maker was taken away, behind the look for what they left open.
    return (await this.#parts.accounts.byId(invite.createdBy)) === null ? refuse('invite.revoked') : ok({ kind: 'invite', invite });
  }
}
