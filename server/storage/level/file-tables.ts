/** Families of files; the keys of their days are in the family of data keys, by p(files of conversation) · day 4. */
import * as v from 'valibot';
import { bytes, Hash, Sequence, Timestamp } from '#protocol/envelope.ts';
import { ConversationId, FileId, UserId } from '#protocol/ids.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { type Database, Records, Table } from './table.ts';

const StoredFile = v.strictObject({
  fileId: FileId,
  owner: UserId,
  conversationId: ConversationId,
  size: Sequence,
  createdAt: Timestamp,
  expiresAt: Timestamp,
  offset: Sequence,
  /** Running hash over the tags of all whole chunks below the offset. */
  digest: Hash,
  erasing: v.boolean(),
});
export type StoredFile = v.InferOutput<typeof StoredFile>;
const FileUsage = v.strictObject({ bytes: Sequence, files: Sequence, open: Sequence });
const place = bytes(36, 36);

export function makeFileTables(database: Database, keys: KeyRing) {
  return {
    /** p(conversation) · day 4 · p(file), by the day of creation. */
    files: new Table(database, keys, 'files', StoredFile),
    /** p(file): the key in `files`. */
    filePlaces: new Table(database, keys, 'file-places', place),
    /** p(file): what is behind the last whole chunk of an upload, sealed like a chunk. */
    fileTails: new Records(database, 'file-tails'),
    /** expiresAt 8 · p(file), the key in `files`: uploads that are not whole; with time 0, removals under way. */
    fileExpiry: new Table(database, keys, 'file-expiry', place),
    /** p(user), and one record for all. */
    fileUsage: new Table(database, keys, 'file-usage', FileUsage),
  };
}
