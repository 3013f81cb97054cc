import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { useText } from '../i18n/text.ts';
import { isTotp, type SecondStep } from '../models/sign-in.ts';
import { CodeField } from './code-field.tsx';
import { useApp, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { TaskError } from './task-error.tsx';

/** Behind a right password: one way at a time, the others a press away. */
export function SecondStepDoor({ ways, onBack }: { readonly ways: readonly SecondStep[]; readonly onBack: (expired: boolean) => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const task = useTask();
  const [way, setWay] = useState<SecondStep>(ways[0] ?? 'recovery-code');
  const [code, setCode] = useState('');
  const turn = (next: SecondStep): void => {
    setCode('');
    task.clear();
    setWay(next);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    // After too many wrong codes the password is asked for again.
    task.run(() => actions.signInSecondStep(way === 'passkey' ? { kind: way } : { kind: way, code }), undefined, (failed) => (failed === 'ceremony.expired' ? onBack(true) : undefined));
  };
  const ready = way === 'passkey' || (way === 'totp' ? isTotp(code) : code.trim() !== '');
  return (
    <Door title={t('second.title')}>
      <p className="door-text">{t(`second.text.${way}`)}</p>
      <form className="stack" onSubmit={submit} key={way}>
        {way === 'totp' ? <CodeField value={code} onChange={setCode} autoFocus /> : null}
        {way === 'recovery-code' ? <Field label={t('second.recovery')} hint={t('second.recovery_hint')} value={code} onChange={setCode} autoComplete="off" autoCapitalize="characters" spellCheck={false} autoFocus code /> : null}
        <TaskError now={task.now} />
        <Button type="submit" kind="primary" wide busy={task.busy} disabled={!ready} autoFocus={way === 'passkey'}>
          {way === 'passkey' ? <KeyRound size={18} aria-hidden="true" /> : null}
          {t(`second.submit.${way}`)}
        </Button>
      </form>
      {ways.map((other) =>
        other === way ? null : (
          <Button key={other} wide onPress={() => turn(other)}>
            {t(`second.use.${other}`)}
          </Button>
        ),
      )}
      <Button kind="quiet" onPress={() => onBack(false)}>
        {t('back')}
      </Button>
    </Door>
  );
}
