/** Policies, holds and the leases of jobs on disk. */
import type { Hold, RetentionPolicy } from '#protocol/retention.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { Lease, LeaseStore, RetentionStore } from '../../ports/retention-store.ts';
import type { Access } from './access.ts';
import { under } from './table.ts';

export class LevelRetention implements RetentionStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  async policies(): Promise<readonly RetentionPolicy[]> {
    return (await this.#access.tables.retentionPolicies.list(under(new Uint8Array(0)))).map(({ value }) => value);
  }

  async setPolicy(policy: RetentionPolicy, acts: Acts): Promise<void> {
    const { tables, keys, audit } = this.#access;
    const name = keys.pseudonym('retention policy', `${policy.class} ${policy.conversationId ?? ''}`);
    await audit.submit([tables.retentionPolicies.put(name, policy)], acts);
  }

  async holds(): Promise<readonly Hold[]> {
    return (await this.#access.tables.holds.list(under(new Uint8Array(0)))).map(({ value }) => value);
  }

  putHold(hold: Hold, expected: Hold['state'] | null, acts: Acts): Promise<'stored' | 'conflict'> {
    const { tables, keys, mutex, audit } = this.#access;
    return mutex.run(`hold ${hold.holdId}`, async () => {
      const name = keys.pseudonym('hold', hold.holdId);
      const stored = await tables.holds.get(name);
      if ((stored?.state ?? null) !== expected) return 'conflict';
      await audit.submit([tables.holds.put(name, hold)], acts);
      return 'stored';
    });
  }
}

export class LevelLeases implements LeaseStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  acquire(job: string, now: number, until: number): Promise<Lease | null> {
    const { tables, writer } = this.#access;
    return this.#alone(job, async (name) => {
      const stored = await tables.leases.get(name);
      if (stored?.held === true && stored.until > now && stored.until <= until) return null;
      const token = (stored?.token ?? 0) + 1;
      const lastRunAt = stored?.lastRunAt ?? null;
      await writer.submit([tables.leases.put(name, { token, until, held: true, lastRunAt })]);
      return { token, lastRunAt };
    });
  }

  renew(job: string, token: number, until: number): Promise<boolean> {
    const { tables, writer } = this.#access;
    return this.#alone(job, async (name) => {
      const stored = await tables.leases.get(name);
      if (stored === null || stored.token !== token || !stored.held) return false;
      await writer.submit([tables.leases.put(name, { ...stored, until })]);
      return true;
    });
  }

  release(job: string, token: number, lastRunAt: number | null): Promise<boolean> {
    const { tables, writer } = this.#access;
    return this.#alone(job, async (name) => {
      const stored = await tables.leases.get(name);
      if (stored === null || stored.token !== token || !stored.held) return false;
      await writer.submit([
        tables.leases.put(name, { ...stored, held: false, lastRunAt: lastRunAt ?? stored.lastRunAt }),
      ]);
      return true;
    });
  }

  async lastRunAt(job: string): Promise<number | null> {
    const { tables, keys } = this.#access;
    return (await tables.leases.get(keys.pseudonym('job', job)))?.lastRunAt ?? null;
  }

  #alone<T>(job: string, work: (name: Uint8Array) => Promise<T>): Promise<T> {
    return this.#access.mutex.run(`lease ${job}`, () => work(this.#access.keys.pseudonym('job', job)));
  }
}
