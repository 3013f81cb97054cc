import { useSyncExternalStore } from 'react';

/** Room for names of pages beside what they show; the same bound as in dialogs.css. */
const query = '(min-width: 721px)';

function subscribe(listener: () => void): () => void {
  const list = window.matchMedia(query);
  list.addEventListener('change', listener);
  return () => list.removeEventListener('change', listener);
}

export const useWide = (): boolean => useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
