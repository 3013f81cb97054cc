import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notes.tsx';
import { Qr } from '../components/qr.tsx';
import { useText } from '../i18n/text.ts';
import type { PersonView, UserId } from '../models/app.ts';
import { digitGroups } from '../models/people.ts';
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
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const name = person.displayName;
  if (person.safetyNumber === null) return <Note>{t('safety.unknown', { name })}</Note>;
  return (
    <div className="stack">
      {person.identity === 'changed' ? <p className="note note-warn">{t('safety.changed')}</p> : null}
      <p className="door-text">{t('safety.text', { name })}</p>
      <div className="safety">
        <Qr data={person.safetyNumber} label={t('safety.qr')} />
        <ol className="digits" aria-label={t('people.verify_name', { name })}>
          {digitGroups(person.safetyNumber).map((group, index) => (
            // Groups of one number never move.
            <li key={`${index}-${group}`}>{group}</li>
          ))}
        </ol>
      </div>
      <TaskError now={task.now} />
      {person.identity === 'changed' ? (
        <Button busy={task.busy} onPress={() => task.run(() => app.actions.acceptIdentity(person.userId))}>
          {t('blocked.accept')}
        </Button>
      ) : null}
    </div>
  );
}
