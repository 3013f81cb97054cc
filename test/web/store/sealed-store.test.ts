import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { SealedStore } from '../../../web/engine/store/sealed-store.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';

const notes = { prefix: 'notes/', schema: v.string() };

describe('the sealed store', () => {
  it('begins anew after it was erased: other keys, and what they seal opens at the next start', async () => {
    const profile = new MemoryProfile();
    const store = await SealedStore.open(openMemoryStore(profile));
    const before = store.keys.publicKey;
    await store.write([await store.put(notes, 'old', 'of the forgotten device')]);
    await store.erase();
    expect(await store.get(notes, 'old')).toBe(null);
    expect(store.keys.publicKey).not.toEqual(before);
    await store.write([await store.put(notes, 'new', 'of the next device')]);
    const reopened = await SealedStore.open(openMemoryStore(profile));
    expect(reopened.keys.publicKey).toEqual(store.keys.publicKey);
    expect(await reopened.get(notes, 'new')).toBe('of the next device');
  });
});
