/** One's own sessions and factors. */
import { CeremonyId, SessionId } from '#protocol/ids.ts';
import * as v from 'valibot';
import { LanyingError } from '../engine/api.ts';
import type { HeadlessEngine } from './engine.ts';
import type { Account, Factors, Session, TotpSetUp } from './account-types.ts';

function idOf<T>(schema: v.GenericSchema<unknown, T>, given: string, field: string): T {
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) throw new LanyingError('input.invalid', { field });
  return parsed.output;
}

export class SdkAccount implements Account {
  readonly #engine: HeadlessEngine;

  constructor(engine: HeadlessEngine) {
    this.#engine = engine;
  }

  async sessions(): Promise<readonly Session[]> {
    const { sessions } = await this.#engine.ask('session.list', {});
    return sessions.map(({ sessionId: id, device, ...session }) => ({ id, ...session, device: device?.label ?? null }));
  }
  async endSession(id: string): Promise<void> {
    await this.#engine.ask('session.revoke', { sessionId: idOf(SessionId, id, 'id') });
  }
  async endOtherSessions(): Promise<number> {
    return (await this.#engine.ask('session.revokeOthers', {})).ended;
  }
  async endAllSessions(): Promise<number> {
    return (await this.#engine.ask('session.revokeAll', {})).ended;
  }
  async prove({ password, code }: { readonly password: string; readonly code?: string }): Promise<void> {
    await this.#engine.ask('session.stepUp', {
      proof: { kind: 'password', password, ...(code === undefined ? {} : { code }) },
    });
  }
  factors(): Promise<Factors> {
    return this.#engine.ask('factor.list', {});
  }
  async beginTotp(): Promise<TotpSetUp> {
    const { ceremonyId, secret, uri } = await this.#engine.ask('totp.begin', {});
    return { id: ceremonyId, secret, uri };
  }
  async confirmTotp(id: string, code: string): Promise<{ readonly recoveryCodes: readonly string[] | null }> {
    return this.#engine.ask('totp.confirm', { ceremonyId: idOf(CeremonyId, id, 'id'), code });
  }
  async removeTotp(): Promise<void> {
    await this.#engine.ask('totp.remove', {});
  }
  async changePassword(password: string): Promise<void> {
    await this.#engine.ask('password.change', { password });
  }
  async remakeRecoveryCodes(): Promise<readonly string[]> {
    return (await this.#engine.ask('recoveryCodes.remake', {})).recoveryCodes;
  }
}
