import { useCallback, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Waiting } from '../../components/notes.tsx';
import { useText } from '../../i18n/text.ts';
import type { PersonHealth, Policy } from '../../models/admin/sign-in.ts';
import type { AppModel } from '../../models/app.ts';
import { mayReset } from '../../models/people.ts';
import { useLoaded } from '../context.tsx';
import { ResetLink } from '../reset-link.tsx';
import { TaskError } from '../task-error.tsx';
import { useDesk } from './desk-context.tsx';

/** `draft`: not saved yet; the report then shows who would not fit it. */
export function SignInHealth({ draft }: { readonly draft: Policy | null }) {
  const { t } = useText();
  const call = useCallback((ask: AppModel['actions']) => ask.ask('signInPolicy.health', draft === null ? {} : { policy: draft }), [draft]);
  const { value, now } = useLoaded(call);
  const [resetting, setResetting] = useState<PersonHealth | null>(null);
  const { me } = useDesk();
  const people = value?.people.filter(({ issues }) => issues.length > 0) ?? [];
  return (
    <section className="card" aria-label={t('health.title')}>
      <h2 className="card-title">{t('health.title')}</h2>
      <p className="field-hint">{t(draft === null ? 'health.text' : 'health.draft')}</p>
      <TaskError now={now} />
      {value === null && now.state === 'running' ? <Waiting text={t('admin.loading')} /> : null}
      {value !== null && people.length === 0 ? <p className="ok">{t('health.none')}</p> : null}
      <ul className="rows rows-lined">
        {people.map((person) => (
          <li key={person.userId} className="rows-row">
            <span className="rows-text">
              <span className="rows-name">{person.displayName}</span>
              <span className="rows-sub rows-wrap">
                @{person.handle} · {t(`role.${person.role}`)} · {person.issues.map((issue) => t(`health.issue.${issue}`)).join(' · ')}
              </span>
            </span>
            {mayReset(me, person) ? <Button kind="quiet" label={t('health.reset_name', { name: person.displayName })} onPress={() => setResetting(person)}>
              {t('health.reset')}
            </Button> : null}
          </li>
        ))}
      </ul>
      {value?.more === true ? <p className="field-hint">{t('health.more')}</p> : null}
      {resetting === null ? null : <ResetLink userId={resetting.userId} name={resetting.displayName} onClose={() => setResetting(null)} />}
    </section>
  );
}
