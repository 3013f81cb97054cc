import { useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../components/button.tsx';
import { Choice } from '../components/choice.tsx';
import { useText } from '../i18n/text.ts';
import type { Me } from '../models/app.ts';
import { languageNames, locales, recoveryDue, themes } from '../models/preferences.ts';
import { useApp, usePreferences, useTask } from './context.tsx';
import { Shortcuts } from './shortcuts.tsx';
import { TaskError } from './task-error.tsx';

/** Language, look, and leaving. */
export function GeneralSettings({ me }: { readonly me: Me }) {
  const { t } = useText();
  const preferences = usePreferences();
  const [keys, setKeys] = useState(false);
  const { locale, theme, recoveryKeptAt } = useStore(preferences);
  const [openedAt] = useState(() => Date.now());
  return (
    <>
      <div className="stack stack-wide">
        {recoveryDue(recoveryKeptAt, openedAt) ? (
          <div className="note note-row">
            <p>{t('settings.recovery')}</p>
            <Button onPress={() => preferences.setState({ recoveryKeptAt: Number.POSITIVE_INFINITY })}>{t('settings.recovery_yes')}</Button>
          </div>
        ) : null}
        <Choice
          label={t('settings.language')}
          value={locale}
          onChange={(next) => preferences.setState({ locale: next })}
          options={locales.map((value) => ({ value, label: languageNames[value] }))}
        />
        <Choice
          label={t('settings.theme')}
          value={theme}
          onChange={(next) => preferences.setState({ theme: next })}
          options={themes.map((value) => ({ value, label: t(`theme.${value}`) }))}
        />
        <section>
          <h3 className="field-label">{t('settings.writing')}</h3>
          <p className="door-text">{t('settings.enter')}</p>
          <div className="row settings-row">
            <Button onPress={() => setKeys(true)}>{t('keys.title')}</Button>
          </div>
        </section>
        <AccountSection me={me} />
      </div>
      {keys ? <Shortcuts onClose={() => setKeys(false)} /> : null}
    </>
  );
}

function AccountSection({ me }: { readonly me: Me }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  /** `back`: asked and put away again, so that the focus returns to the button. */
  const [forget, setForget] = useState<'no' | 'asking' | 'back'>('no');
  return (
    <section className="section stack">
      <div>
        <h3 className="field-label">{t('settings.account')}</h3>
        <p className="door-text">
          {me.displayName} · @{me.handle} · {t(`role.${me.role}`)}
        </p>
      </div>
      <TaskError now={task.now} />
      <div>
        <Button busy={task.busy && forget !== 'asking'} onPress={() => task.run(() => app.actions.signOut(false))}>
          {t('settings.sign_out')}
        </Button>
        <p className="field-hint">{t('settings.sign_out_hint')}</p>
      </div>
      <div>
        {forget === 'asking' ? (
          <div className="row">
            <Button kind="danger" busy={task.busy} onPress={() => task.run(() => app.actions.signOut(true))}>
              {t('settings.forget_confirm')}
            </Button>
            <Button kind="quiet" autoFocus onPress={() => setForget('back')}>
              {t('cancel')}
            </Button>
          </div>
        ) : (
          <Button autoFocus={forget === 'back'} onPress={() => setForget('asking')}>
            {t('settings.forget')}
          </Button>
        )}
        <p className="field-hint">{t('settings.forget_hint')}</p>
      </div>
    </section>
  );
}
