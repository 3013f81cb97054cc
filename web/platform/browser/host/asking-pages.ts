/** Which page asks: WebAuthn runs only where a person is, so the worker sends a ceremony to the page of the call. */
import { LanyingError } from '../../../engine/api.ts';
import type { PasskeyCreated, Passkeys, PasskeyUsed } from '../../../engine/ports.ts';
import type { CeremonyRequest, Outcome } from './wire.ts';
import { fromWire } from './wire.ts';

export interface Page {
  askCeremony(id: number, request: CeremonyRequest): void;
}

interface Pending {
  readonly page: Page;
  settle(outcome: Outcome<PasskeyCreated | PasskeyUsed>): void;
}

export interface AskingPages {
  readonly passkeys: Passkeys;
  /** Runs a call on behalf of a page. Calls that may need a passkey run one after another, so the page is certain. */
  during<T>(page: Page, call: () => Promise<T>): Promise<T>;
  answer(page: Page, id: number, outcome: Outcome<PasskeyCreated | PasskeyUsed>): void;
  /** The page is gone: its ceremonies end as if cancelled. */
  leave(page: Page): void;
}

export function createAskingPages(): AskingPages {
  let asker: Page | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let serial = 0;
  const pending = new Map<number, Pending>();
  const ask = (request: CeremonyRequest): Promise<PasskeyCreated | PasskeyUsed> => {
    const page = asker;
    if (page === null) return Promise.reject(new LanyingError('passkey.unsupported'));
    serial += 1;
    const id = serial;
    return new Promise((resolve, reject) => {
      pending.set(id, { page, settle: (outcome) => (outcome.ok ? resolve(outcome.value) : reject(fromWire(outcome.error))) });
      page.askCeremony(id, request);
    });
  };
  const finish = (id: number, outcome: Outcome<PasskeyCreated | PasskeyUsed>): void => {
    const found = pending.get(id);
    pending.delete(id);
    found?.settle(outcome);
  };
  return {
    passkeys: {
      create: (options, prfSalt) => ask({ method: 'create', options, prfSalt }),
      get: (options, prfSalt) => ask({ method: 'get', options, prfSalt }),
    },
    during(page, call) {
      const run = last.then(async () => {
        asker = page;
        try {
          return await call();
        } finally {
          asker = null;
        }
      });
      // The next one waits for the end of this one, however it ends; the caller gets the rejection.
      last = run.catch(() => undefined);
      return run;
    },
    answer(page, id, outcome) {
      if (pending.get(id)?.page === page) finish(id, outcome);
    },
    leave(page) {
      for (const [id, item] of pending) {
        if (item.page === page) finish(id, { ok: false, error: { code: 'passkey.cancelled', detail: {} } });
      }
    },
  };
}
