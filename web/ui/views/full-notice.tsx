import { HardDrive } from 'lucide-react';
import { useText } from '../i18n/text.ts';
import { useSnapshot } from './context.tsx';

/** Over every screen of a signed-in person while the server's disk is full: it may last, so it takes room of its own and covers nothing. */
export function FullNotice() {
  const { t } = useText();
  const connection = useSnapshot((now) => now.connection);
  return (
    <div className="full-place" role="status">
      {connection.state !== 'full' ? null : (
        <section className="full" aria-label={t('full.title')}>
          <HardDrive size={20} aria-hidden="true" />
          <div>
            <h2 className="full-title">{t('full.title')}</h2>
            <p>{t('full.text')}</p>
            <p>{t('full.tell')}</p>
            {connection.queued === 0 ? null : <p className="full-queue">{t('banner.queued', { count: connection.queued })}</p>}
          </div>
        </section>
      )}
    </div>
  );
}
