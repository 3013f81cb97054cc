/** Whether this browser promises to keep what is stored in it, and whether a person has to hear that it does not. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineSnapshot } from './app.ts';
import type { Preferences } from './preferences.ts';

/** The browser's side; web/platform/browser implements it. */
export interface BrowserStorage {
  /** Storage Standard §5: true when the browser clears it at a person's wish alone. */
  persisted(): Promise<boolean>;
  /** Asks for that; some browsers ask the person. False when refused or unknown to the browser. */
  persist(): Promise<boolean>;
}

export type Keeping = 'unknown' | 'kept' | 'refused';

/** Asks after every sign-up and sign-in, and at a start until the person has seen the answer. */
export function watchKeeping(
  storage: BrowserStorage,
  snapshot: StoreApi<EngineSnapshot>,
  preferences: StoreApi<Preferences>,
): StoreApi<{ readonly state: Keeping }> {
  const store = createStore<{ readonly state: Keeping }>(() => ({ state: 'unknown' }));
  const ask = async (entered: boolean): Promise<Keeping> => {
    if (await storage.persisted()) return 'kept';
    if (!entered && preferences.getState().keepingSeen) return 'unknown';
    return (await storage.persist()) ? 'kept' : 'refused';
  };
  const changed = (now: EngineSnapshot['account']['state'], before: EngineSnapshot['account']['state']): void => {
    if (now !== 'ready' || before === 'ready') return;
    ask(before !== 'starting').then(
      (state) => store.setState({ state }),
      // A browser that cannot even be asked promises nothing.
      () => store.setState({ state: 'refused' }),
    );
  };
  changed(snapshot.getState().account.state, 'starting');
  snapshot.subscribe((now, before) => changed(now.account.state, before.account.state));
  return store;
}
