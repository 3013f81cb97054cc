import { type FormEvent, useRef, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { markWrong } from '../components/first-wrong.ts';
import { Note } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { handleError, nameError, sentences, suggestHandle } from '../models/account.ts';
import type { Grant } from '../models/app.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

export interface Granted {
  readonly invitedBy: string | null;
  readonly expiresAt: number | null;
  /** Rules that everywhere has, by class of data. */
  readonly retention: readonly { readonly class: string; readonly days: number }[];
}

export interface WhoStepProps {
  readonly grant: Grant;
  readonly granted: Granted;
  readonly name: string;
  readonly handle: string;
  /** A handle that the server has named as taken; null while none was. */
  readonly taken: string | null;
  /** Codes were shown already: whoever comes back must know that they stay. */
  readonly codesShown: boolean;
  readonly busy: boolean;
  readonly onName: (name: string) => void;
  readonly onHandle: (handle: string) => void;
  readonly onTaken: (handle: string) => void;
  readonly onDone: () => void;
}

export function WhoStep(props: WhoStepProps) {
  const { grant, name, handle, taken } = props;
  const { t } = useText();
  const app = useApp();
  const check = useTask();
  const form = useRef<HTMLFormElement>(null);
  const [tried, setTried] = useState(taken !== null);
  // The suggestion follows the name until the person writes a handle of their own.
  const [own, setOwn] = useState(handle !== suggestHandle(name));
  const changeName = (next: string): void => {
    props.onName(next);
    if (!own) props.onHandle(suggestHandle(next));
  };
  const nameProblem = tried ? nameError(name) : null;
  const handleProblem = tried ? (handleError(handle) ?? (handle === taken ? 'field.handle_taken' : null)) : null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    markWrong(form.current, () => setTried(true));
    if (nameError(name) !== null || handleError(handle) !== null || check.busy) return;
    check.run(
      () => app.actions.checkHandle(grant, handle),
      props.onDone,
      (code) => {
        if (code !== 'handle.taken') return;
        check.clear();
        markWrong(form.current, () => props.onTaken(handle));
      },
    );
  };
  return (
    <form className="stack" onSubmit={submit} noValidate ref={form}>
      {props.codesShown ? <Note>{t('who.codes_stay')}</Note> : <Intro grant={grant} granted={props.granted} />}
      <Field
        label={t('who.name')}
        value={name}
        onChange={changeName}
        hint={t('who.name_hint')}
        error={nameProblem === null ? null : t(nameProblem)}
        name="name"
        autoComplete="name"
        autoFocus={handleProblem === null}
      />
      <Field
        label={t('who.handle')}
        value={handle}
        onChange={(next) => {
          setOwn(next !== '');
          props.onHandle(next.toLowerCase());
        }}
        hint={t('who.handle_hint')}
        error={handleProblem === null ? null : t(handleProblem)}
        prefix="@"
        name="username"
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
        autoFocus={handleProblem !== null}
      />
      <TaskError now={check.now} />
      <Button type="submit" kind="primary" wide busy={check.busy || props.busy}>
        {t('next')}
      </Button>
    </form>
  );
}

function Intro({ grant, granted: { invitedBy, expiresAt } }: Pick<WhoStepProps, 'grant' | 'granted'>) {
  const { t, locale } = useText();
  if (grant.kind === 'setup') return <p className="door-text">{t('setup.intro')}</p>;
  const intro = invitedBy === null ? t('join.intro_plain') : t('join.intro', { name: invitedBy });
  return <p className="door-text">{sentences(locale, intro, expiresAt === null ? null : t('join.expires', { when: dateTime(expiresAt, locale) }))}</p>;
}
