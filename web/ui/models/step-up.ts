/**
 * Some calls are answered with step_up.required: the server wants a fresh proof of who is asking ([A14]). They wait here
 * while the person gives it, and are then made once more; whoever called hears nothing of it.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { type EngineApi, LanyingError } from '../../engine/api.ts';

export interface StepUp {
  readonly store: StoreApi<{ readonly asked: boolean }>;
  /** The proof was given, or the person would rather not: then the calls fail as they did. */
  settle(proven: boolean): void;
}

const wantsProof = (error: unknown): boolean => error instanceof LanyingError && error.code === 'step_up.required';

export function withStepUp(engine: EngineApi): { readonly actions: EngineApi; readonly stepUp: StepUp } {
  const store = createStore<{ asked: boolean }>(() => ({ asked: false }));
  let waiting: ((proven: boolean) => void)[] = [];
  const proof = (): Promise<boolean> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      store.setState({ asked: true });
    });
  const settle = (proven: boolean): void => {
    const asked = waiting;
    waiting = [];
    store.setState({ asked: false });
    for (const resolve of asked) resolve(proven);
  };
  const actions = new Proxy(engine, {
    get(target, name) {
      const call: unknown = Reflect.get(target, name);
      if (typeof call !== 'function') return call;
      const run = (...given: readonly unknown[]): unknown => Reflect.apply(call, target, given);
      return async (...given: readonly unknown[]): Promise<unknown> => {
        try {
          return await run(...given);
        } catch (error) {
          if (!wantsProof(error) || !(await proof())) throw error;
          return run(...given);
        }
      };
    },
  });
  return { actions, stepUp: { store, settle } };
}
