/** How far back a search on this device reaches, and what brings more onto it. */
import { useCallback, useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../components/button.tsx';
import { useText } from '../i18n/text.ts';
import type { HistoryView } from '../models/search.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

const lookEveryMs = 1_500;
export function SearchReach() {
  const { t, locale } = useText();
  const app = useApp();
  const task = useTask();
  const answer = useStore(app.search.state, (now) => now.answer);
  const online = useSnapshot((now) => now.connection.state === 'online');
  const [reach, setReach] = useState<HistoryView | null>(null);
  const look = useCallback(
    (act: 'look' | 'start' | 'stop') => app.actions.find('history', act).then(setReach),
    [app],
  );
  useEffect(() => {
    // What cannot be told now is told at the next look.
    const quietly = (): void => void look('look').catch(() => undefined);
    quietly();
    const timer = setInterval(quietly, lookEveryMs);
    return () => clearInterval(timer);
  }, [look]);
  return (
    <footer className="search-reach">
      <p>
        {answer === null || answer.oldest === null
          ? t('search.here')
          : t('search.here_since', { count: answer.searched, when: dateTime(answer.oldest, locale) })}
        {reach === null || reach.behind > 0 ? null : ` ${t('search.complete')}`}
      </p>
      {reach === null || reach.behind === 0 ? null : (
        <>
          <p role="status">{reach.state === 'running' ? t('search.fetching', { done: reach.conversations - reach.behind, count: reach.conversations }) : null}</p>
          <TaskError now={task.now} />
          {reach.state === 'idle' ? (
            <Button busy={task.busy} disabled={!online} onPress={() => task.run(() => look('start'))}>
              {t('search.everything')}
            </Button>
          ) : (
            <Button kind="quiet" onPress={() => task.run(() => look('stop'))}>
              {t('search.stop')}
            </Button>
          )}
        </>
      )}
    </footer>
  );
}
