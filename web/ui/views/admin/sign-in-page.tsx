import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Waiting } from '../../components/notes.tsx';
import { useText } from '../../i18n/text.ts';
import { type FactorName, factorNames, type Policy, policyFault, roleNames, samePolicy, withFactor, withSecondStep } from '../../models/admin/sign-in.ts';
import type { AppModel } from '../../models/app.ts';
import { useApp, useLoaded, useTask } from '../context.tsx';
import { TaskError } from '../task-error.tsx';
import { PageHead } from './desk-context.tsx';
import { PolicyGroups } from './policy-groups.tsx';
import { PasswordRules } from './password-rules.tsx';
import { SignInHealth } from './sign-in-health.tsx';

const askPolicy = (actions: AppModel['actions']) => actions.ask('signInPolicy.get', {});

/** How people may and must sign in, and who does not fit. */
export function SignInPage() {
  const { t } = useText();
  const { value, now, reload } = useLoaded(askPolicy);
  return (
    <>
      <PageHead title={t('admin.sign-in')} text={t('policy.text')} />
      <TaskError now={now} />
      {value === null ? <Waiting text={t('admin.loading')} /> : <Editor key={value.version} version={value.version} saved={value.policy} standard={value.default} onSaved={reload} />}
    </>
  );
}

function Editor({ version, saved, standard, onSaved }: { readonly version: number; readonly saved: Policy; readonly standard: Policy; readonly onSaved: () => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const task = useTask();
  const [policy, setPolicy] = useState(saved);
  const [typing, setTyping] = useState(false);
  const changed = !samePolicy(policy, saved);
  const fault = policyFault(policy);
  const save = (): void =>
    task.run(
      () => actions.ask('signInPolicy.set', { version, policy }),
      onSaved,
      // Somebody else set it meanwhile: theirs is shown.
      (code) => (code === 'policy.conflict' ? onSaved() : undefined),
    );
  return (
    <>
      <section className="card" aria-label={t('policy.ways')}>
        <h2 className="card-title">{t('policy.ways')}</h2>
        <p className="field-hint">{t('policy.ways_text')}</p>
        <Ways policy={policy} onChange={setPolicy} />
      </section>
      <PolicyGroups policy={policy} onChange={setPolicy} />
      <PasswordRules policy={policy} onChange={setPolicy} onWrong={setTyping} />
      {fault === null ? null : <p className="note note-danger" role="alert">{t(`policy.fault.${fault.fault}`, { role: t(`policy.role.${fault.role}`) })}</p>}
      <TaskError now={task.now} />
      <div className="row">
        <Button kind="primary" busy={task.busy} disabled={!changed || fault !== null || typing} onPress={save}>
          {t('policy.save')}
        </Button>
        <Button kind="quiet" disabled={!changed} onPress={() => setPolicy(saved)}>
          {t('policy.undo')}
        </Button>
        <Button kind="quiet" disabled={samePolicy(policy, standard)} onPress={() => setPolicy(standard)}>
          {t('policy.standard')}
        </Button>
      </div>
      <SignInHealth key={JSON.stringify(policy)} draft={changed && fault === null ? policy : null} />
    </>
  );
}

function Ways({ policy, onChange }: { readonly policy: Policy; readonly onChange: (policy: Policy) => void }) {
  const { t } = useText();
  const cell = (what: string, role: (typeof roleNames)[number], checked: boolean, change: (on: boolean) => void) => (
    <td key={role}>
      <label className="table-check">
        <input type="checkbox" checked={checked} onChange={(event) => change(event.currentTarget.checked)} aria-label={t('policy.cell', { what, role: t(`policy.role.${role}`) })} />
      </label>
    </td>
  );
  const factor = (name: FactorName) => (
    <tr key={name}>
      <th scope="row">{t(`policy.factor.${name}`)}</th>
      {roleNames.map((role) => cell(t(`policy.factor.${name}`), role, policy.roles[role][name] === 'allowed', (on) => onChange(withFactor(policy, role, name, on))))}
    </tr>
  );
  return (
    <table className="ways">
      <thead>
        <tr>
          <th scope="col">
            <span className="sr-only">{t('policy.ways')}</span>
          </th>
          {roleNames.map((role) => (
            <th key={role} scope="col">
              {t(`policy.role.${role}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {factorNames.map(factor)}
        <tr>
          <th scope="row">{t('policy.second')}</th>
          {roleNames.map((role) => cell(t('policy.second'), role, policy.roles[role].secondStep === 'required', (on) => onChange(withSecondStep(policy, role, on))))}
        </tr>
      </tbody>
    </table>
  );
}
