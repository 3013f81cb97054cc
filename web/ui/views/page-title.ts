import { useEffect } from 'react';
import { useText } from '../i18n/text.ts';

/**
 * The title of the page names the screen and the unread messages, and no conversation: browsers keep titles in a history
 * that they may copy elsewhere.
 */
export function usePageTitle(screen: string, unread = 0): void {
  const { t } = useText();
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${screen} · ${t('brand')}`;
  }, [screen, unread, t]);
}
