import { uint64 } from '#protocol/envelope.ts';
import type { CeremonyId } from '#protocol/ids.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { CeremonyStore } from '../../ports/store.ts';
import { joinBytes } from '../bytes.ts';
import type { Access } from './access.ts';

/** Each put removes up to this many that expired, so abandoned ceremonies do not pile up. */
const sweptPerPut = 4;

export class LevelCeremonies implements CeremonyStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  put(ceremonyId: CeremonyId, value: Uint8Array<ArrayBuffer>, expiresAt: number, acts?: Acts): Promise<void> {
    const { tables, keys, writer, audit, mutex } = this.#access;
    return mutex.run(`ceremony ${ceremonyId}`, async () => {
      const key = keys.pseudonym('ceremony', ceremonyId);
      const [expired, replaced] = await Promise.all([this.#expired(), tables.ceremonies.get(key)]);
      const operations = [
        ...expired.flatMap((old) => [tables.ceremonyExpiry.del(old), tables.ceremonies.del(old.subarray(8))]),
        ...(replaced === null ? [] : [tables.ceremonyExpiry.del(joinBytes(uint64(replaced.expiresAt), key))]),
        tables.ceremonies.put(key, { value, expiresAt }),
        tables.ceremonyExpiry.put(joinBytes(uint64(expiresAt), key), null),
      ];
      await (acts === undefined ? writer.submit(operations) : audit.submit(operations, acts));
    });
  }

  take(ceremonyId: CeremonyId, now: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const { tables, keys, writer, mutex } = this.#access;
    return mutex.run(`ceremony ${ceremonyId}`, async () => {
      const key = keys.pseudonym('ceremony', ceremonyId);
      const found = await tables.ceremonies.get(key);
      if (found === null) return null;
      await writer.submit([
        tables.ceremonies.del(key),
        tables.ceremonyExpiry.del(joinBytes(uint64(found.expiresAt), key)),
      ]);
      return now < found.expiresAt ? found.value : null;
    });
  }

  async #expired(): Promise<readonly Uint8Array[]> {
    const now = this.#access.runtime.now();
    if (now <= 0) return [];
    const lte = joinBytes(uint64(now), new Uint8Array(16).fill(0xff));
    return this.#access.tables.ceremonyExpiry.keys({ gte: new Uint8Array(0), lte, limit: sweptPerPut });
  }
}
