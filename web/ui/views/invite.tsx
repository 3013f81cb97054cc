import { useCallback, useEffect, useRef, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Choice } from '../components/choice.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Field } from '../components/field.tsx';
import { Note } from '../components/notes.tsx';
import { Qr } from '../components/qr.tsx';
import { useText } from '../i18n/text.ts';
import { inviteLabel, inviteLabelLengthMax, opensHereOnly } from '../models/account.ts';
import type { InviteView } from '../models/app.ts';
import { dateTime, exactTime } from '../models/time.ts';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

export function Invite({ onClose }: { readonly onClose: () => void }) {
  const { t, locale } = useText();
  const app = useApp();
  const making = useTask();
  const [role, setRole] = useState<'member' | 'admin'>('member');
  const [label, setLabel] = useState('');
  const [made, setMade] = useState<{ readonly link: string; readonly expiresAt: number } | null>(null);
  const [again, setAgain] = useState(false);
  const another = (): void => {
    setMade(null);
    setLabel('');
    setAgain(true);
  };
  const link = useRef<HTMLInputElement>(null);
  useEffect(() => {
    link.current?.focus();
    link.current?.select();
    // The start says whose link it is.
    link.current?.scrollTo({ left: 0 });
  }, [made]);
  const mine = useSnapshot((now) => (now.account.state === 'ready' ? now.account.me.role : 'member'));
  const roles: readonly ('member' | 'admin')[] = mine === 'owner' ? ['member', 'admin'] : ['member'];
  return (
    <Dialog title={t('nav.invite')} closeLabel={t('close')} onClose={onClose}>
      <div className="stack">
        {made === null ? (
          <>
            <p className="door-text">{t('invite.text')}</p>
            {roles.length > 1 ? <Choice label={t('invite.role')} value={role} onChange={setRole} options={roles.map((value) => ({ value, label: t(`role.${value}`) }))} /> : null}
            <Field label={t('invite.for')} hint={t('invite.for_hint')} value={label} onChange={setLabel} maxLength={inviteLabelLengthMax} autoComplete="off" autoFocus={again} />
            <TaskError now={making.now} />
            <Button kind="primary" wide busy={making.busy} onPress={() => making.run(() => app.actions.createInvite(role, inviteLabel(label)), setMade)}>
              {t('invite.make')}
            </Button>
          </>
        ) : (
          <>
            {opensHereOnly(made.link) ? <Note>{t('invite.here_only')}</Note> : null}
            <Qr data={made.link} label={t('invite.qr')} />
            <Field ref={link} label={t('invite.link')} value={made.link} onChange={() => undefined} readOnly hint={t('invite.until', { when: dateTime(made.expiresAt, locale) })} />
            <div className="row">
              <CopyButton text={made.link} label={t('copy')} done={t('copied')} />
              <Button onPress={another}>{t('invite.another')}</Button>
            </div>
          </>
        )}
        <OpenInvites round={made?.link ?? ''} />
      </div>
    </Dialog>
  );
}

/** `round` changes when the list must be read again. */
function OpenInvites({ round }: { readonly round: string }) {
  const { t, locale } = useText();
  const app = useApp();
  const loading = useTask();
  const revoking = useTask();
  const [invites, setInvites] = useState<readonly InviteView[] | null>(null);
  const { run } = loading;
  const load = useCallback(() => run(() => app.actions.listInvites(), setInvites), [app, run]);
  useEffect(load, [load, round]);
  const open = invites?.filter((invite) => invite.state === 'open') ?? [];
  return (
    <section className="section">
      <h3 className="section-title">{t('invite.open')}</h3>
      <TaskError now={loading.now} />
      <TaskError now={revoking.now} />
      {invites !== null && open.length === 0 ? <p className="field-hint">{t('invite.none')}</p> : null}
      <ul className="rows">
        {open.map((invite) => {
          const made = t('invite.made', { when: exactTime(invite.createdAt, locale) });
          const row = t('invite.row', { role: t(`role.${invite.role}`), when: dateTime(invite.expiresAt, locale) });
          return (
            <li key={invite.inviteId} className="rows-row">
              <span className="rows-text">
                <span className="rows-name">{invite.label ?? made}</span>
                <span className="rows-sub">{invite.label === null ? row : `${made} · ${row}`}</span>
              </span>
              <Button kind="quiet" label={t('invite.revoke_name', { what: invite.label === null ? made : `${invite.label}, ${made}` })} onPress={() => revoking.run(() => app.actions.revokeInvite(invite.inviteId), load)}>
                {t('invite.revoke')}
              </Button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
