import { createContext, useCallback, useContext, useEffect, useState } from 'react';
import { useStore } from 'zustand';
import type { StoreApi } from 'zustand/vanilla';
import type { AppModel, EngineSnapshot } from '../models/app.ts';
import type { Keeping } from '../models/keeping.ts';
import type { Preferences } from '../models/preferences.ts';
import { createTask, type Task, type TaskState } from '../models/task.ts';

export interface AppContextValue {
  readonly app: AppModel;
  readonly preferences: StoreApi<Preferences>;
  readonly keeping: StoreApi<{ readonly state: Keeping }>;
}
export const AppContext = createContext<AppContextValue | null>(null);

function useContextValue(): AppContextValue {
  const value = useContext(AppContext);
  if (value === null) throw new Error('AppContext is missing');
  return value;
}
export const useApp = (): AppModel => useContextValue().app;
export const usePreferences = (): StoreApi<Preferences> => useContextValue().preferences;
export const useKeeping = (): AppContextValue['keeping'] => useContextValue().keeping;
export const useSnapshot = <T,>(select: (snapshot: EngineSnapshot) => T): T => useStore(useApp().snapshot, select);

export function useTask(): Task & { readonly now: TaskState; readonly busy: boolean } {
  const [task] = useState(createTask);
  const now = useStore(task.store);
  return { ...task, now, busy: now.state === 'running' };
}

export interface Loaded<T> {
  /** Null until it came once; what came last stays while it is read again. */
  readonly value: T | null;
  readonly now: TaskState;
  reload(): void;
}
/** What a page shows, read when it comes up. `call` must be the same function between renders. */
export function useLoaded<T>(call: (actions: AppModel['actions']) => Promise<T>): Loaded<T> {
  const app = useApp();
  const { run, now } = useTask();
  const [value, setValue] = useState<T | null>(null);
  const reload = useCallback(() => run(() => call(app.actions), setValue), [app, call, run]);
  useEffect(reload, [reload]);
  return { value, now, reload };
}

/** Asks for the people of the server as a list of them comes up: somebody may have joined a moment ago. */
export function useFreshPeople(): TaskState {
  const app = useApp();
  const { run, now } = useTask();
  useEffect(() => run(() => app.actions.refreshPeople()), [app, run]);
  return now;
}
