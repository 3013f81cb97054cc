/** One call that a person waits for: idle, running, or failed with a code. A second start while running is ignored. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, type EngineErrorCode } from './app.ts';

export type TaskState = { readonly state: 'idle' } | { readonly state: 'running' } | { readonly state: 'failed'; readonly code: EngineErrorCode };

export interface Task {
  readonly store: StoreApi<TaskState>;
  run<T>(call: () => Promise<T>, done?: (value: T) => void, failed?: (code: EngineErrorCode) => void): void;
  clear(): void;
}

export function createTask(): Task {
  const store = createStore<TaskState>(() => ({ state: 'idle' }));
  return {
    store,
    run(call, done, failed) {
      if (store.getState().state === 'running') return;
      store.setState({ state: 'running' }, true);
      call().then(
        (value) => {
          store.setState({ state: 'idle' }, true);
          done?.(value);
        },
        (error: unknown) => {
          const code = codeOf(error);
          store.setState({ state: 'failed', code }, true);
          failed?.(code);
        },
      );
    },
    clear: () => store.setState({ state: 'idle' }, true),
  };
}
