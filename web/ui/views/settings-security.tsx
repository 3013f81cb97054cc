import { useState } from 'react';
import { Button } from '../components/button.tsx';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { AppModel, Me } from '../models/app.ts';
import { sessionBegun, type SessionItem, sessionName } from '../models/sessions.ts';
import { dayLabel } from '../models/time.ts';
import { useApp, useLoaded, useTask } from './context.tsx';
import { Passkeys } from './settings-passkeys.tsx';
import { PasswordSettings } from './settings-password.tsx';
import { NewCodes, SecondStep } from './settings-second-step.tsx';
import { TaskError } from './task-error.tsx';

const askFactors = (actions: AppModel['actions']) => actions.ask('factor.list', {});

/** How one signs in, and where one is signed in. */
export function SecuritySettings({ me }: { readonly me: Me }) {
  const { t } = useText();
  const { value: factors, now, reload } = useLoaded(askFactors);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const changed = (made: readonly string[] | null): void => {
    if (made !== null) setCodes(made);
    reload();
  };
  return (
    <div className="stack stack-wide">
      <TaskError now={now} />
      {factors === null && now.state === 'running' ? <Waiting text={t('loading')} /> : null}
      {factors === null ? null : (
        <>
          <Passkeys passkeys={factors.passkeys} onChanged={changed} />
          <PasswordSettings handle={me.handle} setAt={factors.password?.setAt ?? null} onChanged={reload} />
          {factors.password === null ? null : <SecondStep factors={factors} onChanged={changed} />}
        </>
      )}
      <Sessions />
      {codes === null ? null : <NewCodes codes={codes} handle={me.handle} onClose={() => setCodes(null)} />}
    </div>
  );
}

const askSessions = (actions: AppModel['actions']) => actions.ask('session.list', {});

function Sessions() {
  const { t } = useText();
  const app = useApp();
  const { value, now, reload } = useLoaded(askSessions);
  const ending = useTask();
  const [openedAt] = useState(() => Date.now());
  const sessions = value?.sessions ?? [];
  return (
    <section className="stack" aria-labelledby="sessions-title">
      <div>
        <h3 className="field-label" id="sessions-title">
          {t('sessions.title')}
        </h3>
        <p className="field-hint">{t('sessions.text')}</p>
      </div>
      <TaskError now={now} />
      <TaskError now={ending.now} />
      {value === null && now.state === 'running' ? <Waiting text={t('loading')} /> : null}
      <ul className="rows rows-lined">
        {sessions.map((session) => (
          <SessionRow key={session.sessionId} session={session} now={openedAt} onEnd={() => ending.run(() => app.actions.ask('session.revoke', { sessionId: session.sessionId }), reload)} />
        ))}
      </ul>
      {sessions.length > 1 ? <Others busy={ending.busy} onEnd={() => ending.run(() => app.actions.ask('session.revokeOthers', {}), reload)} /> : null}
    </section>
  );
}

function SessionRow({ session, now, onEnd }: { readonly session: SessionItem; readonly now: number; readonly onEnd: () => void }) {
  const { t, locale } = useText();
  const name = sessionName(session) ?? t('sessions.somewhere');
  const begun = sessionBegun(session, locale);
  const parts = [
    t(begun.id, begun.values),
    ...(session.current ? [] : [t('sessions.used', { when: dayLabel(session.usedAt, now, locale) })]),
    ...(session.network === null ? [] : [t('sessions.network', { network: session.network })]),
    ...(session.device === null ? [t('sessions.no_device')] : []),
  ];
  return (
    <li className="rows-row">
      <span className="rows-text">
        <span className="rows-name">{name}</span>
        {session.current ? <span className="session-here">{t('sessions.here')}</span> : null}
        <span className="rows-sub">{parts.join(' · ')}</span>
      </span>
      {session.current ? null : (
        <Button kind="quiet" label={t('sessions.end_name', { what: `${name}, ${t(begun.id, begun.values)}` })} onPress={onEnd}>
          {t('sessions.end')}
        </Button>
      )}
    </li>
  );
}

/** Asks once more: open tabs elsewhere lose what is unsent there. */
function Others({ busy, onEnd }: { readonly busy: boolean; readonly onEnd: () => void }) {
  const { t } = useText();
  const [asking, setAsking] = useState(false);
  if (!asking)
    return (
      <div>
        <Button onPress={() => setAsking(true)}>{t('sessions.end_others')}</Button>
      </div>
    );
  return (
    <div className="row">
      <Button kind="danger" busy={busy} onPress={onEnd}>
        {t('sessions.end_others_confirm')}
      </Button>
      <Button kind="quiet" autoFocus onPress={() => setAsking(false)}>
        {t('cancel')}
      </Button>
    </div>
  );
}
