/** The key by which the server signs floors of purged logs and receipts: the one of the first sight. */
import { serverKey } from '../store/records.ts';
import type { Parts } from './parts.ts';

/** Pinned when it is first needed. */
export async function pinnedKey(parts: Pick<Parts, 'store' | 'connection'>): Promise<Uint8Array<ArrayBuffer>> {
  const known = await parts.store.get(serverKey);
  if (known !== null) return known.publicKey;
  const { publicKey } = await parts.connection.call('retention.key', {});
  await parts.store.write([await parts.store.put(serverKey, '', { publicKey })]);
  return publicKey;
}
