import { describe, expect, it } from 'vitest';
import { LanyingError } from '../../../../web/engine/api.ts';
import { withStepUp } from '../../../../web/ui/models/step-up.ts';
import { createDemoEngine } from '../demo/demo-engine.ts';

/** An engine whose people list can be refreshed only with a fresh proof. */
function set() {
  const calls: string[] = [];
  const state = { proven: false, code: 'step_up.required' as const };
  const engine = createDemoEngine({ scene: 'ready', now: 0 });
  const guarded = withStepUp({
    ...engine,
    refreshPeople: () => {
      calls.push('refresh');
      return state.proven ? Promise.resolve() : Promise.reject(new LanyingError(state.code));
    },
    dismissNotices: () => Promise.reject(new LanyingError('rate.limited')),
  });
  return { ...guarded, state, calls };
}

describe('a call that wants a fresh proof', () => {
  it('waits for it and is made once more', async () => {
    const { actions, stepUp, state, calls } = set();
    const first = actions.refreshPeople();
    const second = actions.refreshPeople();
    await new Promise<void>((resolve) => stepUp.store.subscribe(() => resolve()));
    expect(stepUp.store.getState().asked).toBe(true);
    state.proven = true;
    stepUp.settle(true);
    await Promise.all([first, second]);
    expect(stepUp.store.getState().asked).toBe(false);
    expect(calls).toEqual(['refresh', 'refresh', 'refresh', 'refresh']);
  });

  it('fails as it did when the person would rather not', async () => {
    const { actions, stepUp, calls } = set();
    const stop = stepUp.store.subscribe(() => {
      stop();
      stepUp.settle(false);
    });
    await expect(actions.refreshPeople()).rejects.toMatchObject({ code: 'step_up.required' });
    expect(calls).toEqual(['refresh']);
  });

  it('asks for nothing after any other refusal', async () => {
    const { actions, stepUp } = set();
    await expect(actions.dismissNotices()).rejects.toMatchObject({ code: 'rate.limited' });
    expect(stepUp.store.getState().asked).toBe(false);
  });
});
