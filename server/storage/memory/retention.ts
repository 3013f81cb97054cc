import type { Hold, RetentionPolicy } from '#protocol/retention.ts';
import type { Acts } from '../../ports/audit-store.ts';
import {
  isNewer,
  type Lease,
  type LeaseStore,
  type PurgeRegister,
  type Registered,
  registerPlace,
  type RetentionStore,
} from '../../ports/retention-store.ts';
import { copy, type Shelf } from './shelf.ts';

export class MemoryRetention implements RetentionStore {
  readonly #shelf: Shelf;
  readonly #policies = new Map<string, RetentionPolicy>();
  readonly #holds = new Map<string, Hold>();

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async policies(): Promise<readonly RetentionPolicy[]> {
    return copy([...this.#policies.values()]);
  }

  async setPolicy(policy: RetentionPolicy, acts: Acts): Promise<void> {
    this.#shelf.writing();
    this.#shelf.audit(acts);
    this.#policies.set(`${policy.class} ${policy.conversationId ?? ''}`, copy(policy));
  }

  async holds(): Promise<readonly Hold[]> {
    return copy([...this.#holds.values()]);
  }

  async putHold(hold: Hold, expected: Hold['state'] | null, acts: Acts): Promise<'stored' | 'conflict'> {
    this.#shelf.writing();
    if ((this.#holds.get(hold.holdId)?.state ?? null) !== expected) return 'conflict';
    this.#shelf.audit(acts);
    this.#holds.set(hold.holdId, copy(hold));
    return 'stored';
  }
}

interface Held {
  readonly token: number;
  readonly until: number;
  readonly held: boolean;
  readonly lastRunAt: number | null;
}

export class MemoryLeases implements LeaseStore {
  readonly #shelf: Shelf;
  readonly #leases = new Map<string, Held>();

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async acquire(job: string, now: number, until: number): Promise<Lease | null> {
    this.#shelf.writing();
    const stored = this.#leases.get(job);
    if (stored?.held === true && stored.until > now && stored.until <= until) return null;
    const lease = { token: (stored?.token ?? 0) + 1, lastRunAt: stored?.lastRunAt ?? null };
    this.#leases.set(job, { ...lease, until, held: true });
    return lease;
  }

  async renew(job: string, token: number, until: number): Promise<boolean> {
    return this.#change(job, token, { until });
  }

  async release(job: string, token: number, lastRunAt: number | null): Promise<boolean> {
    return this.#change(job, token, { held: false, ...(lastRunAt === null ? {} : { lastRunAt }) });
  }

  async lastRunAt(job: string): Promise<number | null> {
    return this.#leases.get(job)?.lastRunAt ?? null;
  }

  #change(job: string, token: number, change: Partial<Held>): boolean {
    this.#shelf.writing();
    const stored = this.#leases.get(job);
    if (stored === undefined || stored.token !== token || !stored.held) return false;
    this.#leases.set(job, { ...stored, ...change });
    return true;
  }
}

export class MemoryPurgeRegister implements PurgeRegister {
  readonly #things = new Map<string, Registered>();

  async read(): Promise<readonly Registered[]> {
    return copy([...this.#things.values()]);
  }

  async add(things: readonly Registered[]): Promise<void> {
    for (const each of things) {
      const known = this.#things.get(registerPlace(each));
      if (known === undefined || isNewer(each, known)) this.#things.set(registerPlace(each), copy(each));
    }
  }
}
