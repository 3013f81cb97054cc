import { useState } from 'react';
import { Field } from '../../components/field.tsx';
import { Select } from '../../components/select.tsx';
import { useText } from '../../i18n/text.ts';
import { numberTyped, type Policy, withPassword } from '../../models/admin/sign-in.ts';

interface Numbered {
  readonly name: 'lengthMin' | 'lengthMinSecondStep' | 'historyCount' | 'maxAgeDays';
  readonly min: number;
  readonly max: number;
}
const numbers: readonly Numbered[] = [
  { name: 'lengthMin', min: 15, max: 64 },
  { name: 'lengthMinSecondStep', min: 8, max: 64 },
  { name: 'historyCount', min: 0, max: 10 },
  { name: 'maxAgeDays', min: 1, max: 3_650 },
];
const levels = ['0', '1', '2', '3', '4'] as const;
type Level = (typeof levels)[number];
const levelOf = (value: number): Level => levels.find((level) => level === String(value)) ?? '0';

/** `onWrong`: whether something that was typed is no number that fits. */
export function PasswordRules({ policy, onChange, onWrong }: { readonly policy: Policy; readonly onChange: (policy: Policy) => void; readonly onWrong: (wrong: boolean) => void }) {
  const { t } = useText();
  const rules = policy.password;
  const shown = (name: Numbered['name']): string => String(rules[name] ?? '');
  // What is typed stays as it is while it is no number yet.
  const [typed, setTyped] = useState<Partial<Record<Numbered['name'], string>>>({});
  const type = ({ name, min, max }: Numbered, text: string): void => {
    const value = name === 'maxAgeDays' && text.trim() === '' ? null : numberTyped(text, min, max);
    const fits = value !== null || (name === 'maxAgeDays' && text.trim() === '');
    const { [name]: _, ...others } = typed;
    const next = fits ? others : { ...others, [name]: text };
    setTyped(next);
    onWrong(Object.keys(next).length > 0);
    if (fits) onChange(withPassword(policy, { [name]: value }));
  };
  return (
    <section className="card" aria-label={t('policy.passwords')}>
      <h2 className="card-title">{t('policy.passwords')}</h2>
      <p className="field-hint">{t('policy.passwords_text')}</p>
      <div className="fields">
        {numbers.map((each) => (
          <Field
            key={each.name}
            label={t(`policy.${each.name}`)}
            hint={t(`policy.${each.name}_hint`)}
            error={typed[each.name] === undefined ? null : t('policy.between', { min: each.min, max: each.max })}
            value={typed[each.name] ?? shown(each.name)}
            onChange={(text) => type(each, text)}
            inputMode="numeric"
            autoComplete="off"
          />
        ))}
        <Select label={t('policy.classesMin')} value={levelOf(rules.classesMin)} onChange={(level) => onChange(withPassword(policy, { classesMin: Number(level) }))} options={levels.map((value) => ({ value, label: t(`policy.classes.${value}`) }))} />
        <Select label={t('policy.strengthMin')} value={levelOf(rules.strengthMin)} onChange={(level) => onChange(withPassword(policy, { strengthMin: Number(level) }))} options={levels.map((value) => ({ value, label: t(`policy.strength.${value}`) }))} />
      </div>
      <label className="check">
        <input type="checkbox" checked={rules.blocklist} onChange={(event) => onChange(withPassword(policy, { blocklist: event.currentTarget.checked }))} />
        {t('policy.blocklist')}
      </label>
    </section>
  );
}
