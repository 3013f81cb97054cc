import { Download, Printer } from 'lucide-react';
import { type FormEvent, useRef, useState } from 'react';
import { Button } from '../components/button.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { Field } from '../components/field.tsx';
import { markWrong } from '../components/first-wrong.ts';
import { useText } from '../i18n/text.ts';
import { codeGroups, groupMatches, type KeptCodes, recoverySheet } from '../models/account.ts';
import type { RecoveryCodes } from '../models/app.ts';
import { saveFile } from './save-file.ts';

function Code({ title, code }: { readonly title: string; readonly code: string }) {
  return (
    <figure className="code">
      <figcaption className="field-label">{title}</figcaption>
      <ol className="code-groups">
        {codeGroups(code).map((group, index) => (
          // Groups of one code never move.
          <li key={`${index}-${group}`} className="code-group">
            {group}
          </li>
        ))}
      </ol>
    </figure>
  );
}

export function RecoveryStep(props: { readonly codes: RecoveryCodes; readonly handle: string; readonly onBack: () => void; readonly onDone: () => void }) {
  const { codes, handle, onBack, onDone } = props;
  const { t } = useText();
  const sheet = recoverySheet(codes, {
    title: t('recovery.sheet'),
    account: t('recovery.account', { handle: `@${handle}` }),
    code: t('recovery.code'),
    spare: t('recovery.spare'),
    keep: t('recovery.keep'),
  });
  return (
    <div className="stack">
      <p className="door-text">{t('recovery.why')}</p>
      <div className="sheet">
        <p className="print-only">{t('recovery.account', { handle: `@${handle}` })}</p>
        <Code title={t('recovery.code')} code={codes.code} />
        {codes.spare === null ? null : (
          <>
            <Code title={t('recovery.spare')} code={codes.spare} />
            <p className="field-hint">{t('recovery.spare_hint')}</p>
          </>
        )}
      </div>
      <div className="row">
        <CopyButton text={sheet} label={t('copy')} done={t('copied')} />
        <Button onPress={() => window.print()}>
          <Printer size={16} aria-hidden="true" />
          {t('print')}
        </Button>
        <Button onPress={() => saveFile(`lanying-${handle}.txt`, sheet)}>
          <Download size={16} aria-hidden="true" />
          {t('save')}
        </Button>
      </div>
      <p className="field-hint">{t('recovery.keep')}</p>
      <Button kind="primary" wide onPress={onDone}>
        {t('recovery.saved')}
      </Button>
      <Button kind="quiet" onPress={onBack}>
        {t('back')}
      </Button>
    </div>
  );
}

export function ConfirmStep(props: {
  readonly kept: KeptCodes;
  readonly busy: boolean;
  /** What its button says; without it: that the account is made. */
  readonly submit?: string;
  readonly onTyped: (typed: readonly [string, string]) => void;
  readonly onLook: () => void;
  readonly onDone: () => void;
}) {
  const { t } = useText();
  const { codes, asked, typed } = props.kept;
  const form = useRef<HTMLFormElement>(null);
  const [tried, setTried] = useState(false);
  const right = (place: 0 | 1): boolean => groupMatches(codes.code, asked[place], typed[place]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (right(0) && right(1)) props.onDone();
    else markWrong(form.current, () => setTried(true));
  };
  const field = (place: 0 | 1) => {
    const number = asked[place] + 1;
    return (
      <Field
        label={t('confirm.group', { number })}
        value={typed[place]}
        onChange={(value) => props.onTyped(place === 0 ? [value, typed[1]] : [typed[0], value])}
        error={tried && !right(place) ? t('confirm.wrong', { number }) : null}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        code
      />
    );
  };
  return (
    <form className="stack" onSubmit={submit} noValidate ref={form}>
      <p className="door-text">{t('confirm.text')}</p>
      <div className="pair">
        {field(0)}
        {field(1)}
      </div>
      <Button type="submit" kind="primary" wide busy={props.busy}>
        {props.submit ?? t('confirm.create')}
      </Button>
      <Button kind="quiet" onPress={props.onLook}>
        {t('confirm.look')}
      </Button>
    </form>
  );
}
