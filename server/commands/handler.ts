/** What handlers get: the parsed input and who calls, as far as their row asks for it. */
import type { ActOf, CommandName, Input } from '#protocol/commands/index.ts';
import { ok, type Result } from '#protocol/errors.ts';
import type { DeviceId } from '#protocol/ids.ts';
import type { Person } from '#protocol/model.ts';
import type { Scribe } from '../domain/audit/scribe.ts';
import type { SessionRecord } from '../ports/store.ts';
import type { Reply, TailPort } from './call.ts';

export interface SignedInCaller {
  readonly session: SessionRecord;
  readonly person: Person;
}
export interface DeviceCaller extends SignedInCaller {
  readonly deviceId: DeviceId;
}
export interface Caller {
  readonly address: string;
  readonly known: string | null;
  readonly agent: string;
  readonly signedIn: SignedInCaller | null;
  readonly tail: TailPort | null;
}

/** Names the acts of the row, and no others: without one a store method that changes what is audited cannot be called. */
export interface CallerOf<N extends CommandName> extends Caller {
  readonly audit: Scribe<ActOf<N>>;
}

export type Handler<N extends CommandName> = (input: Input<N>, caller: CallerOf<N>) => Promise<Reply<N>>;
export type Handlers<N extends CommandName = CommandName> = { readonly [Name in N]: Handler<Name> };

/** A row that says `person` reaches its handler only with one. */
export function personOf(caller: Caller): SignedInCaller {
  if (caller.signedIn === null) throw new Error('the row asks for no person');
  return caller.signedIn;
}

export function deviceOf(caller: Caller): DeviceCaller {
  const signedIn = personOf(caller);
  const { deviceId } = signedIn.session;
  if (deviceId === null) throw new Error('the row asks for no device');
  return { ...signedIn, deviceId };
}

export const answer = <T>(value: T): { readonly result: Result<T> } => ({ result: ok(value) });
