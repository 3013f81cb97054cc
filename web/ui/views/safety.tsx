import { ShieldCheck } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Field } from '../components/field.tsx';
import { Note } from '../components/notes.tsx';
import { Qr } from '../components/qr.tsx';
import { useText } from '../i18n/text.ts';
import type { PersonView, UserId } from '../models/app.ts';
import { compareDigits, digitGroups } from '../models/people.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

export function Safety({ userId, onClose }: { readonly userId: UserId; readonly onClose: () => void }) {
  const { t } = useText();
  const person = useSnapshot((now) => now.people.find((item) => item.userId === userId));
  if (person === undefined) return null;
  return (
    <Dialog title={t('people.verify')} closeLabel={t('close')} onClose={onClose}>
      <SafetyNumber person={person} />
    </Dialog>
  );
}

function SafetyNumber({ person }: { readonly person: PersonView }) {
  const { t, locale } = useText();
  const app = useApp();
  const task = useTask();
  const name = person.displayName;
  const changedAt = person.keyChanges.at(-1);
  if (person.safetyNumber === null) return <Note>{t('safety.unknown', { name })}</Note>;
  const digits = person.safetyNumber;
  return (
    <div className="stack">
      {person.identity === 'changed' ? <p className="note note-warn">{t('safety.changed')}</p> : null}
      {person.verified ? (
        <p className="note safety-verified">
          <ShieldCheck size={18} aria-hidden="true" /> {t('safety.verified', { name })}
        </p>
      ) : null}
      <p className="door-text">{t('safety.text', { name })}</p>
      <div className="safety">
        <Qr data={digits} label={t('safety.qr')} />
        <ol className="digits" aria-label={t('people.verify_name', { name })}>
          {digitGroups(digits).map((group, index) => (
            // Groups of one number never move.
            <li key={`${index}-${group}`}>{group}</li>
          ))}
        </ol>
      </div>
      {changedAt === undefined ? null : <p className="field-hint">{t('safety.changed_at', { when: dateTime(changedAt, locale) })}</p>}
      <TaskError now={task.now} />
      {person.identity === 'changed' ? (
        <Button busy={task.busy} onPress={() => task.run(() => app.actions.acceptIdentity(person.userId))}>
          {t('blocked.accept')}
        </Button>
      ) : person.verified ? (
        <Button kind="quiet" busy={task.busy} onPress={() => task.run(() => app.actions.setVerified(person.userId, digits, false))}>
          {t('safety.unverify')}
        </Button>
      ) : (
        <Compare person={person} digits={digits} />
      )}
    </div>
  );
}

/** What the other screen shows, typed or pasted; equal digits make it verified. Whoever compared by eye or ear says so. */
function Compare({ person, digits }: { readonly person: PersonView; readonly digits: string }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [typed, setTyped] = useState('');
  const found = compareDigits(typed, digits);
  const verify = (): void => task.run(() => app.actions.setVerified(person.userId, digits, true));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (found === 'equal') verify();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Field
        label={t('safety.type', { name: person.displayName })}
        value={typed}
        onChange={setTyped}
        inputMode="numeric"
        autoComplete="off"
        code
        hint={t(found === 'equal' ? 'safety.equal' : 'safety.type_hint')}
        error={found === 'different' ? t('safety.different', { name: person.displayName }) : null}
      />
      <TaskError now={task.now} />
      <div className="row-end">
        {found === 'equal' ? (
          <Button type="submit" kind="primary" busy={task.busy}>
            {t('safety.verify')}
          </Button>
        ) : (
          <Button busy={task.busy} disabled={found === 'different'} onPress={verify}>
            {t('safety.compared')}
          </Button>
        )}
      </div>
    </form>
  );
}
