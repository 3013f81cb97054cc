import { ArrowLeft, GalleryVerticalEnd, LockKeyhole, Search as SearchIcon, Users } from 'lucide-react';
import { lazy, type ReactNode, type Ref, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { tinykeys } from 'tinykeys';
import { useLocation } from 'wouter';
import { useStore } from 'zustand';
import { Button, IconButton } from '../components/button.tsx';
import { isFocusLost } from '../components/held-focus.ts';
import { Note } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { ConversationView, UserId } from '../models/app.ts';
import { bannerAfterMs, bannerOf } from '../models/connection.ts';
import { stopOf } from '../models/conversation-list.ts';
import { directory, nameOf, ownId, titleOf } from '../models/people.ts';
import { Composer } from './composer.tsx';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';
import { Timeline } from './timeline.tsx';

const Collection = lazy(() => import('./collection.tsx').then((module) => ({ default: module.Collection })));
const Members = lazy(() => import('./members.tsx').then((module) => ({ default: module.Members })));
const Safety = lazy(() => import('./safety.tsx').then((module) => ({ default: module.Safety })));

export function Conversation({ conversation, onSearch }: { readonly conversation: ConversationView; readonly onSearch: () => void }) {
  const { t, locale } = useText();
  const app = useApp();
  const id = conversation.conversationId;
  useEffect(() => app.open(id), [app, id]);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // The row that was pressed may be hidden now, and not every conversation has a composer to go to.
    if (isFocusLost()) heading.current?.focus();
  }, [id]);
  const view = useStore(app.timeline, (now) => (now.open === id ? now.view : null));
  const target = useStore(app.timeline, (now) => (now.open === id ? now.target : null));
  const snapshot = useSnapshot((now) => now);
  const people = useMemo(() => directory(snapshot, t('deleted_person')), [snapshot, t]);
  const title = titleOf(conversation, ownId(snapshot), people, locale) ?? t('list.alone');
  const [panel, setPanel] = useState<Panel>('none');
  const toggle = (which: Panel) => (): void => setPanel(panel === which ? 'none' : which);
  const [comparing, setComparing] = useState<UserId | null>(null);
  const membersButton = useRef<HTMLButtonElement>(null);
  const collectionButton = useRef<HTMLButtonElement>(null);
  const closePanel = useCallback(() => {
    setPanel('none');
    (panel === 'members' ? membersButton : collectionButton).current?.focus();
  }, [panel]);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The panel hears its own keys; whoever writes stays where they write.
    const escape = (event: KeyboardEvent): void => {
      if (!event.isComposing && event.target instanceof HTMLTextAreaElement) setPanel('none');
    };
    return root.current === null ? undefined : tinykeys(root.current, { Escape: escape });
  }, []);
  return (
    <div className={`conversation${panel === 'none' ? '' : ' conversation-members'}`} ref={root}>
      <Head conversation={conversation} title={title} heading={heading}>
        <IconButton label={t('conv.search')} icon={<SearchIcon size={20} aria-hidden="true" />} onPress={onSearch} />
        <IconButton label={t('collection.button')} icon={<GalleryVerticalEnd size={20} aria-hidden="true" />} onPress={toggle('collection')} ref={collectionButton} expanded={panel === 'collection'} />
        <IconButton label={t('conv.members_button')} icon={<Users size={20} aria-hidden="true" />} onPress={toggle('members')} ref={membersButton} expanded={panel === 'members'} />
      </Head>
      <Banner />
      <Timeline conversation={conversation} view={view} people={people} me={ownId(snapshot)} target={target} />
      <Foot conversation={conversation} title={title} onCompare={setComparing} />
      {/* Each waits for itself: the panel with the button that opened the dialog must not hide while the dialog loads. */}
      <Suspense fallback={null}>{panel === 'members' ? <Members conversation={conversation} onClose={closePanel} onCompare={setComparing} /> : null}</Suspense>
      <Suspense fallback={null}>{panel === 'collection' ? <Collection conversation={conversation} people={people} onClose={closePanel} /> : null}</Suspense>
      <Suspense fallback={null}>{comparing === null ? null : <Safety userId={comparing} onClose={() => setComparing(null)} />}</Suspense>
    </div>
  );
}

type Panel = 'none' | 'members' | 'collection';

function Head(props: { readonly conversation: ConversationView; readonly title: string; readonly heading: Ref<HTMLHeadingElement>; readonly children: ReactNode }) {
  const { t } = useText();
  const [, go] = useLocation();
  return (
    <header className="head">
      <span className="head-back">
        <IconButton label={t('back')} icon={<ArrowLeft size={20} aria-hidden="true" />} onPress={() => go('/')} />
      </span>
      <div className="head-text">
        <h1 className="head-title" tabIndex={-1} ref={props.heading}>
          {props.title}
        </h1>
        <p className="head-sub">
          {props.conversation.active ? t('conv.members', { count: props.conversation.members.length }) : t('list.left')}
          <span aria-hidden="true"> · </span>
          <span className="head-lock">
            <LockKeyhole size={12} aria-hidden="true" />
            {t('conv.encrypted')}
          </span>
        </p>
      </div>
      {props.children}
    </header>
  );
}

/** Over the timeline, so that nothing moves when it comes and goes. */
function Banner() {
  const { t } = useText();
  const connection = useSnapshot((now) => now.connection);
  const online = connection.state === 'online' || connection.state === 'full';
  const [late, setLate] = useState(false);
  const wasOnline = useRef(online);
  useEffect(() => {
    wasOnline.current = wasOnline.current || online;
    setLate(false);
    if (online) return undefined;
    const timer = setTimeout(() => setLate(true), bannerAfterMs);
    return () => clearTimeout(timer);
  }, [online]);
  const banner = bannerOf(connection, late ? bannerAfterMs : 0);
  return (
    <div className="banner-place" role="status">
      {banner.kind === 'none' ? null : (
        <p className="banner">
          {t(banner.kind === 'connecting' && !wasOnline.current ? 'banner.connecting' : 'banner.reconnecting')}
          {banner.kind === 'offline' && banner.queued > 0 ? <span className="banner-queue">{t('banner.queued', { count: banner.queued })}</span> : null}
        </p>
      )}
    </div>
  );
}

function Foot({ conversation, title, onCompare }: { readonly conversation: ConversationView; readonly title: string; readonly onCompare: (userId: UserId) => void }) {
  const { t } = useText();
  const stop = stopOf(conversation);
  if (!conversation.active) {
    return (
      <div className="foot">
        <Note>{t('conv.left')}</Note>
      </div>
    );
  }
  if (stop?.kind === 'halted') return <Halted reason={stop.reason} />;
  if (stop?.kind === 'blocked') return <Blocked userId={stop.by} onCompare={() => onCompare(stop.by)} />;
  return <Composer conversation={conversation} title={title} />;
}

function Halted({ reason }: { readonly reason: 'forked' | 'commit_refused' }) {
  const { t } = useText();
  return (
    <section className="foot" role="alert">
      <div className="blocked blocked-danger">
        <h2 className="blocked-title">{t('halted.title')}</h2>
        <p className="blocked-text">{t(`halted.${reason}`)}</p>
      </div>
    </section>
  );
}

function Blocked({ userId, onCompare }: { readonly userId: UserId; readonly onCompare: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const snapshot = useSnapshot((now) => now);
  const name = nameOf(directory(snapshot, t('deleted_person')), userId) ?? t('unknown_person');
  return (
    <section className="foot" role="alert">
      <div className="blocked">
        <h2 className="blocked-title">{t('blocked.title', { name })}</h2>
        <p className="blocked-text">{t('blocked.text')}</p>
        <TaskError now={task.now} />
        <div className="row">
          <Button kind="primary" onPress={onCompare}>
            {t('blocked.compare')}
          </Button>
          <Button busy={task.busy} onPress={() => task.run(() => app.actions.acceptIdentity(userId))}>
            {t('blocked.accept')}
          </Button>
        </div>
      </div>
    </section>
  );
}
