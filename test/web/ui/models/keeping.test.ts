import { describe, expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { AccountView, EngineSnapshot } from '../../../../web/engine/api.ts';
import { type BrowserStorage, watchKeeping } from '../../../../web/ui/models/keeping.ts';
import { createPreferences } from '../../../../web/ui/models/preferences.ts';

const me = { userId: 'me' as never, deviceId: 'd' as never, handle: 'me', displayName: 'Me', role: 'owner' as const };
const ready: AccountView = { state: 'ready', me };
const signedOut: AccountView = { state: 'signed-out', setupNeeded: false, passwordLengthMin: 15, reason: 'none' };
const snapshotOf = (account: AccountView): EngineSnapshot => ({ account, connection: { state: 'online' }, people: [], gone: [], devices: [], vault: null, approval: null, conversations: [], directory: { state: 'consistent' }, notices: [], audit: null });

function set(storage: Partial<BrowserStorage>, seen = false) {
  const kept = new Map<string, string>(seen ? [['lanying.keeping', 'seen']] : []);
  const preferences = createPreferences({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) }, []);
  const snapshot = createStore<EngineSnapshot>(() => snapshotOf({ state: 'starting' }));
  let asked = 0;
  const persist = storage.persist ?? (async () => false);
  const keeping = watchKeeping({ persisted: async () => false, ...storage, persist: () => ((asked += 1), persist()) }, snapshot, preferences);
  const become = async (account: AccountView): Promise<string> => {
    snapshot.setState(snapshotOf(account));
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    return keeping.getState().state;
  };
  return { become, preferences, kept, asked: () => asked };
}

describe('whether the browser keeps what it stores', () => {
  it('is asked after a sign-in, not before', async () => {
    const { become, asked } = set({});
    expect(await become(signedOut)).toBe('unknown');
    expect(asked()).toBe(0);
    expect(await become(ready)).toBe('refused');
    expect(asked()).toBe(1);
  });
  it('needs no question where it is already promised', async () => {
    const { become, asked } = set({ persisted: async () => true });
    expect(await become(ready)).toBe('kept');
    expect(asked()).toBe(0);
  });
  it('is kept once granted', async () => {
    expect(await set({ persist: async () => true }).become(ready)).toBe('kept');
  });
  it('counts as refused where the browser cannot answer', async () => {
    expect(await set({ persist: () => Promise.reject(new TypeError('no storage')) }).become(ready)).toBe('refused');
  });
  it('is not asked again at a start once the answer was read, but after the next sign-in', async () => {
    const { become, asked } = set({}, true);
    expect(await become(ready)).toBe('unknown');
    await become(signedOut);
    await become(ready);
    expect(asked()).toBe(1);
  });
  it('is put away for good', () => {
    const { preferences, kept } = set({});
    expect(preferences.getState()).toMatchObject({ keepingSeen: false, questionKey: true });
    preferences.setState({ keepingSeen: true, questionKey: false });
    expect(Object.fromEntries(kept)).toEqual({ 'lanying.keeping': 'seen', 'lanying.question_key': 'off' });
  });
});
