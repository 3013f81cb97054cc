import type * as v from 'valibot';
import type { ActName } from '../audit.ts';
import type { ErrorCode } from '../errors.ts';

/** Who may call at all; finer decisions are the permission policies' (action = the command's name). */
export type Caller =
  /** No session needed. */
  | 'anyone'
  /** A signed-in person, on a device or not. */
  | 'person'
  /** A signed-in person on a registered device of theirs. */
  | 'device';

/** What a permission decision is about; conversation commands carry `conversationId` in their input. */
export type ResourceKind = 'system' | 'self' | 'conversation';

/** A stage that decodes the call: the schema of its input and of its answer. */
export type Schema = v.GenericSchema<Record<string, unknown>>;

/** Why a command records nothing. Each word is a promise about what its handler may do. */
export const unaudited = {
  reads: 'it only reads, and changes nothing that lasts',
  begins: 'it only hands out a challenge; the command that answers it records the act',
  talks: 'it is what people say to each other or how a group of theirs changes: the log of the conversation itself tells it',
  keeps: 'a device looks after sealed keys of its own, or takes those that are offered: who may do what does not change',
  pings: 'it shows that a connection is alive',
} as const;
export type Unaudited = keyof typeof unaudited;
/** The acts that a command records, or why it records none: no row goes without ([U1]). */
export type Audited = readonly [ActName, ...ActName[]] | { readonly not: Unaudited };

export interface Row<Input extends Schema = Schema, Output extends Schema = Schema, Declared extends Audited = Audited> {
  /** One sentence for OpenAPI and SPEC readers. */
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
  /** Refusals beyond those that every command can give (`commonErrors`). */
  readonly errors: readonly ErrorCode[];
  readonly who: Caller;
  readonly resource: ResourceKind;
  /** Sets or clears the session cookie, so it is not offered on the socket. */
  readonly httpOnly?: true;
  /** Needs a proof of the last `stepUpFreshMs` that it is this person ([A14]): always, or for some inputs. */
  readonly stepUp?: true | { readonly when: (input: Record<string, unknown>) => boolean };
  /** A session that has something to do first ([A17]) may call it too. */
  readonly beforehand?: true;
  /** Acts that it stores together with what it changes ([U1]); its handler alone is given the means to name them. */
  readonly audited: Declared;
}

/** Keeps the row's own types while checking its form. */
export const row = <I extends Schema, O extends Schema, const A extends Audited>(definition: Row<I, O, A>): Row<I, O, A> => definition;
