import { useStore } from 'zustand';
import { Button } from '../components/button.tsx';
import { useText } from '../i18n/text.ts';
import { useKeeping, usePreferences } from './context.tsx';

/** Once, until it is put away: the browser does not promise to keep keys and history. */
export function KeepingNotice({ onGone }: { readonly onGone: () => void }) {
  const { t } = useText();
  const preferences = usePreferences();
  const state = useStore(useKeeping(), (now) => now.state);
  const seen = useStore(preferences, (now) => now.keepingSeen);
  if (state !== 'refused' || seen) return null;
  const putAway = (): void => {
    onGone();
    preferences.setState({ keepingSeen: true });
  };
  return (
    <section className="keeping" role="status" aria-label={t('keeping.title')}>
      <h2 className="keeping-title">{t('keeping.title')}</h2>
      <p>{t('keeping.text')}</p>
      <Button onPress={putAway}>{t('keeping.seen')}</Button>
    </section>
  );
}
