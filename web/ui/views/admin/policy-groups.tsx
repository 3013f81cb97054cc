import { type FormEvent, useRef, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { markWrong } from '../../components/first-wrong.ts';
import { useText } from '../../i18n/text.ts';
import { factorNames, groupFault, openRules, type Policy, type PolicyGroup, type Rules, withGroup, withoutGroup } from '../../models/admin/sign-in.ts';
import type { UserId } from '../../models/app.ts';
import { useSnapshot } from '../context.tsx';
import { PersonPicker } from '../person-picker.tsx';

const nameLengthMax = 64;
type Change = (policy: Policy) => void;

/** People for whom stricter rules hold than for their role. `editing`: the place of the group, or a new one. */
export function PolicyGroups({ policy, onChange }: { readonly policy: Policy; readonly onChange: Change }) {
  const { t } = useText();
  const [editing, setEditing] = useState<number | 'new' | null>(null);
  const groups = policy.groups ?? [];
  return (
    <section className="card" aria-label={t('groups.title')}>
      <div className="card-head">
        <h2 className="card-title">{t('groups.title')}</h2>
        <Button kind="quiet" onPress={() => setEditing('new')}>
          {t('groups.add')}
        </Button>
      </div>
      <p className="field-hint">{t('groups.text')}</p>
      <ul className="rows">
        {groups.map((group, at) => (
          <li key={group.name} className="rows-row">
            <span className="rows-text">
              <span className="rows-name">{group.name}</span>
              <span className="rows-sub rows-wrap">
                {t('groups.people', { count: group.members.length })} · <RulesInWords rules={group.rules} />
              </span>
            </span>
            <Button kind="quiet" label={t('groups.change_name', { name: group.name })} onPress={() => setEditing(at)}>
              {t('groups.change')}
            </Button>
          </li>
        ))}
      </ul>
      {editing === null ? null : <GroupDialog policy={policy} at={editing} onClose={() => setEditing(null)} onChange={onChange} />}
    </section>
  );
}

function RulesInWords({ rules }: { readonly rules: Rules }) {
  const { t } = useText();
  const forbidden = factorNames.filter((name) => rules[name] === 'forbidden').map((name) => t('groups.without', { what: t(`policy.factor.${name}`) }));
  const words = [...forbidden, ...(rules.secondStep === 'required' ? [t('policy.second')] : [])];
  return words.length === 0 ? t('groups.as_role') : words.join(' · ');
}

function GroupDialog({ policy, at, onClose, onChange }: { readonly policy: Policy; readonly at: number | 'new'; readonly onClose: () => void; readonly onChange: Change }) {
  const { t } = useText();
  const people = useSnapshot((now) => now.people);
  const form = useRef<HTMLFormElement>(null);
  const before = at === 'new' ? null : (policy.groups?.[at] ?? null);
  const [group, setGroup] = useState<PolicyGroup>(before ?? { name: '', members: [], rules: openRules });
  const [wrong, setWrong] = useState(false);
  const next = withGroup(policy, at, { ...group, name: group.name.trim() });
  const fault = groupFault(next, group.name.trim());
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (fault !== null) return markWrong(form.current, () => setWrong(true));
    onChange(next);
    onClose();
  };
  const rule = (label: string, checked: boolean, change: (on: boolean) => Rules) => (
    <label key={label} className="check-row">
      <input type="checkbox" checked={checked} onChange={(event) => setGroup({ ...group, rules: change(event.currentTarget.checked) })} />
      <span>{label}</span>
    </label>
  );
  const { rules } = group;
  return (
    <Dialog title={before === null ? t('groups.add') : before.name} closeLabel={t('close')} onClose={onClose}>
      <form className="stack" ref={form} onSubmit={submit} noValidate>
        <Field label={t('groups.name')} value={group.name} onChange={(name) => setGroup({ ...group, name })} maxLength={nameLengthMax} autoComplete="off" error={wrong && (fault === 'name' || fault === 'taken') ? t(`groups.fault.${fault}`) : null} />
        <fieldset className="stack-tight">
          <legend className="field-label">{t('groups.rules')}</legend>
          {factorNames.map((name) => rule(t('groups.forbid', { what: t(`policy.factor.${name}`) }), rules[name] === 'forbidden', (on) => ({ ...rules, [name]: on ? 'forbidden' : 'allowed' })))}
          {rule(t('policy.second'), rules.secondStep === 'required', (on) => ({ ...rules, secondStep: on ? 'required' : 'optional' }))}
        </fieldset>
        {fault === 'no_way_in' ? <p className="note note-danger" role="alert">{t('groups.fault.no_way_in')}</p> : null}
        <PersonPicker
          people={people}
          chosen={new Set(group.members)}
          onChange={(chosen: ReadonlySet<UserId>) => setGroup({ ...group, members: [...chosen] })}
          texts={{ filter: t('groups.find'), list: t('groups.members'), none: t('groups.nobody') }}
        />
        <div className="row-end">
          {at === 'new' ? null : (
            <Button
              kind="danger"
              onPress={() => {
                onChange(withoutGroup(policy, at));
                onClose();
              }}
            >
              {t('groups.remove')}
            </Button>
          )}
          <Button kind="quiet" onPress={onClose}>
            {t('cancel')}
          </Button>
          <Button kind="primary" type="submit">
            {t('groups.done')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
