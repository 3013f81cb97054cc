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

export interface Row<Input extends Schema = Schema, Output extends Schema = Schema, Audited extends readonly ActName[] = readonly ActName[]> {
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
  /** Acts that it stores together with what it changes ([U1]); its handler alone is given the means to name them. */
  readonly audited?: Audited;
}

/** Keeps the row's own types while checking its form. */
export const row = <I extends Schema, O extends Schema, const A extends readonly ActName[] = readonly []>(definition: Row<I, O, A>): Row<I, O, A> => definition;
