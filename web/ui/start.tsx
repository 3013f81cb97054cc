import { createRoot } from 'react-dom/client';
import { activate } from './i18n/text.ts';
import { createAppModel } from './models/app.ts';
import type { EngineHost } from './models/host.ts';
import { type BrowserStorage, watchKeeping } from './models/keeping.ts';
import { noSearch, type SearchHost } from './models/search.ts';
import { createPreferences } from './models/preferences.ts';
import { App } from './views/app.tsx';
import { AppContext } from './views/context.tsx';
import './styles/index.css';

/** Puts the client on the screen, over whichever engine the host offers, in a browser with this storage. */
export async function start(host: EngineHost, root: HTMLElement, storage: BrowserStorage, search: SearchHost = noSearch): Promise<void> {
  const preferences = createPreferences(localStorage, navigator.languages);
  preferences.subscribe((now, before) => {
    // The catalogue is part of this build; when it cannot be fetched the language stays as it is.
    if (now.locale !== before.locale) activate(now.locale).catch(() => preferences.setState({ locale: before.locale }));
  });
  await activate(preferences.getState().locale);
  const app = createAppModel(host, search);
  const keeping = watchKeeping(storage, app.snapshot, preferences);
  createRoot(root).render(
    <AppContext value={{ app, preferences, keeping }}>
      <App />
    </AppContext>,
  );
}
