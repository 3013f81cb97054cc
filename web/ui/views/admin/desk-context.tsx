import { Clock } from 'lucide-react';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import type { StoreApi } from 'zustand/vanilla';
import { useText } from '../../i18n/text.ts';
import type { AdministrationApi, RetentionView } from '../../models/admin/desk.ts';
import type { Asked } from '../../models/admin/erasure.ts';
import type { ConversationId, Me, UserId } from '../../models/app.ts';
import { directory, nameOf, ownId, titleOf } from '../../models/people.ts';
import type { TaskState } from '../../models/task.ts';
import { useSnapshot, useTask } from '../context.tsx';

export interface DeskValue {
  readonly desk: AdministrationApi;
  readonly me: Me;
  /** Erasures that were asked for on these pages. */
  readonly asked: StoreApi<{ readonly list: readonly Asked[] }>;
}
export const DeskContext = createContext<DeskValue | null>(null);
export function useDesk(): DeskValue {
  const value = useContext(DeskContext);
  if (value === null) throw new Error('DeskContext is missing');
  return value;
}

/** The time by this device's clock, kept to the half minute: what waits for somebody lapses on the screen too. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Rules and holds as the server has them; `reload` after each change. */
export function useRetention(): { readonly view: RetentionView | null; readonly now: TaskState; reload(): void } {
  const { desk } = useDesk();
  const { run, now } = useTask();
  const [view, setView] = useState<RetentionView | null>(null);
  const reload = useCallback(() => run(() => desk.retention(), setView), [desk, run]);
  useEffect(reload, [reload]);
  return { view, now, reload };
}

export interface Names {
  person(userId: UserId): string;
  conversation(conversationId: ConversationId): string;
}
/** Of those that this device knows; titles are encrypted, so other conversations have only their ids. */
export function useNames(): Names {
  const { t, locale } = useText();
  const snapshot = useSnapshot((now) => now);
  return useMemo(() => {
    const people = directory(snapshot, t('deleted_person'));
    return {
      person: (userId) => nameOf(people, userId) ?? t('audit.actor.gone'),
      conversation: (conversationId) => {
        const found = snapshot.conversations.find((item) => item.conversationId === conversationId);
        const title = found === undefined ? null : (titleOf(found, ownId(snapshot), people, locale) ?? t('list.alone'));
        return title ?? t('retention.conversation_other', { id: conversationId.slice(0, 8) });
      },
    };
  }, [snapshot, locale, t]);
}

export function PageHead({ title, text, action }: { readonly title: string; readonly text: string; readonly action?: ReactNode }) {
  return (
    <header className="admin-head">
      <div>
        <h1 className="admin-title">{title}</h1>
        <p className="admin-text">{text}</p>
      </div>
      {action}
    </header>
  );
}

/** While a clock that jumped keeps what is due from being deleted by itself ([T3]). */
export function ClockNotice({ view }: { readonly view: RetentionView | null }) {
  const { t } = useText();
  const aheadMs = view?.clockAheadMs ?? null;
  return (
    <div role="status">
      {aheadMs === null ? null : (
        <section className="panel panel-warn" aria-label={t('admin.clock.title')}>
          <Clock size={20} aria-hidden="true" />
          <div>
            <h2 className="panel-title">{t('admin.clock.title')}</h2>
            <p>{t('admin.clock.text', { days: Math.round(aheadMs / 86_400_000) })}</p>
            <p>{t('admin.clock.next')}</p>
          </div>
        </section>
      )}
    </div>
  );
}
