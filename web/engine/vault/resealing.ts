/** The archive under the present vault key, item by item; what is interrupted stays readable under the key before. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Input, Output } from '#protocol/commands/index.ts';
import type { ConversationId } from '#protocol/ids.ts';
import { archiveItemsMax } from '#protocol/limits.ts';
import type { Connection } from '../connection.ts';
import type { VaultCipher } from './vault-cipher.ts';

type Items = Input<'archive.reseal'>['items'];
/** Of one call. */
const resealBytesMax = 1024 * 1024;

export async function resealArchive(
  connection: Connection,
  cipher: VaultCipher,
  conversationId: ConversationId,
): Promise<void> {
  for (let before: number | null = null; ;) {
    const page: Output<'archive.get'> = await connection.call('archive.get', {
      conversationId,
      limit: archiveItemsMax,
      ...(before === null ? {} : { before }),
    });
    let items: Items = [];
    for (const { epoch, sealed } of page.items) {
      const fresh = await cipher.resealArchive(conversationId, epoch, sealed);
      if (fresh === null) continue;
      items = [...items, { conversationId, epoch, was: new Uint8Array(sha256(sealed)), sealed: fresh }];
      if (items.reduce((sum, item) => sum + item.sealed.length, 0) < resealBytesMax) continue;
      await connection.call('archive.reseal', { items });
      items = [];
    }
    if (items.length > 0) await connection.call('archive.reseal', { items });
    before = page.items.at(-1)?.epoch ?? null;
    if (!page.more || before === null) return;
  }
}
