import * as v from 'valibot';
import { Sequence } from './envelope.ts';
import { ConversationId, Generation } from './ids.ts';

/** A place in a log: everything up to and including `sequence` has been read (exclusive start of the next page). */
export const Cursor = v.strictObject({ conversationId: ConversationId, generation: Generation, sequence: Sequence });
export type Cursor = v.InferOutput<typeof Cursor>;
