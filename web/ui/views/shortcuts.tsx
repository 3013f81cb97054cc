import { Fragment } from 'react';
import { useStore } from 'zustand';
import { Dialog } from '../components/dialog.tsx';
import { useText } from '../i18n/text.ts';
import { sheetRows } from '../models/keyboard.ts';
import { usePreferences } from './context.tsx';
import { onMac } from './keys.ts';

export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const { t } = useText();
  const preferences = usePreferences();
  const single = useStore(preferences, (now) => now.questionKey);
  return (
    <Dialog title={t('keys.title')} closeLabel={t('close')} onClose={onClose}>
      <dl className="keys">
        {sheetRows(onMac, single).map((row) => (
          <div key={row.does} className="keys-row">
            <dt>{t(row.does)}</dt>
            <dd>
              {row.chords.map((chord, index) => (
                <Fragment key={chord.join(' ')}>
                  {index > 0 ? <span className="keys-or">{t('keys.or')}</span> : null}
                  {chord.map((cap) => (
                    <kbd key={cap} className="key">
                      {cap}
                    </kbd>
                  ))}
                </Fragment>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={single} onChange={(event) => preferences.setState({ questionKey: event.currentTarget.checked })} />
        {t('keys.single')}
      </label>
    </Dialog>
  );
}
