import { ShieldAlert } from 'lucide-react';
import { Link } from 'wouter';
import { useText } from '../i18n/text.ts';
import { useSnapshot } from './context.tsx';

/** Over every screen of an administrator, for as long as this device holds proof that the audit log was changed: it cannot be put away. */
export function AuditAlarm({ link = true }: { readonly link?: boolean }) {
  const { t } = useText();
  const audit = useSnapshot((now) => now.audit);
  const told = audit !== null && audit.fault !== null;
  return (
    <div className="full-place" {...(told ? { role: 'alert' } : {})}>
      {!told ? null : (
        <section className="full alarm" aria-label={t('alarm.title')}>
          <ShieldAlert size={20} aria-hidden="true" />
          <div>
            <h2 className="full-title">{t('alarm.title')}</h2>
            <p>{t(`alarm.${audit.fault}`)}</p>
            <div className="alarm-more">
              {audit.size === 0 ? null : <p>{t('alarm.kept', { count: audit.size })}</p>}
              <p>{t('alarm.next')}</p>
            </div>
            {link ? <Link href="/admin/audit">{t('alarm.open')}</Link> : null}
          </div>
        </section>
      )}
    </div>
  );
}
