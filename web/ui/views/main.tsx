import { Search as SearchIcon, Settings, ShieldAlert, SlidersHorizontal, SquarePen, UserPlus, Users } from 'lucide-react';
import { lazy, type RefObject, Suspense, useEffect, useRef, useState } from 'react';
import { useLocation, useRoute } from 'wouter';
import { Avatar } from '../components/avatar.tsx';
import { Button, IconButton } from '../components/button.tsx';
import { isFocusLost } from '../components/held-focus.ts';
import { Mark } from '../components/mark.tsx';
import { Empty } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { ConversationId, Me } from '../models/app.ts';
import { codeInLink } from '../models/signs.ts';
import { unreadTotal } from '../models/conversation-list.ts';
import { face } from '../models/people.ts';
import { useSnapshot } from './context.tsx';
import { usePageTitle } from './page-title.ts';
import { KeepingNotice } from './keeping.tsx';
import { onMac, useKeys } from './keys.ts';
import { ConversationList } from './conversation-list.tsx';
import { Conversation } from './conversation.tsx';
import { AuditAlarm } from './audit-alarm.tsx';
import { FullNotice } from './full-notice.tsx';

const DirectoryAlarm = lazy(() => import('./directory-alarm.tsx').then((module) => ({ default: module.DirectoryAlarm })));
const Search = lazy(() => import('./search.tsx').then((module) => ({ default: module.Search })));
const NewConversation = lazy(() => import('./new-conversation.tsx').then((module) => ({ default: module.NewConversation })));
const Invite = lazy(() => import('./invite.tsx').then((module) => ({ default: module.Invite })));
const People = lazy(() => import('./people.tsx').then((module) => ({ default: module.People })));
const SettingsDialog = lazy(() => import('./settings.tsx').then((module) => ({ default: module.Settings })));
const Shortcuts = lazy(() => import('./shortcuts.tsx').then((module) => ({ default: module.Shortcuts })));
const Notices = lazy(() => import('./notices.tsx').then((module) => ({ default: module.Notices })));

type Panel = 'none' | 'new' | 'invite' | 'people' | 'settings' | 'notices' | 'keys';

/** `came`: by signing in or up on this page a moment ago. */
export function Main({ me, came }: { readonly me: Me; readonly came: boolean }) {
  const { t } = useText();
  const [, params] = useRoute('/c/:id');
  const [, go] = useLocation();
  const [panel, setPanel] = useState<Panel>('none');
  const conversation = useSnapshot((now) => now.conversations.find((item) => item.conversationId === params?.id));
  const current = params?.id ?? null;
  const contradicted = useSnapshot((now) => now.directory.state === 'contradicted');
  usePageTitle(t(current === null ? 'list.name' : 'conv.page'), useSnapshot(unreadTotal));
  const [searching, setSearching] = useState<Searching>({ open: false, front: false, within: null });
  const search = (within: ConversationId | null): void => setSearching({ open: true, front: true, within });
  useKeys({ help: () => setPanel('keys'), search: () => search(conversation?.conversationId ?? null) });
  const [letIn, setLetIn] = useState(() => codeInLink(location.hash));
  useEffect(() => {
    if (letIn === null) return;
    history.replaceState(history.state, '', location.pathname);
    setPanel('settings');
  }, [letIn]);
  const close = (): void => {
    setPanel('none');
    setLetIn(null);
  };
  const open = (id: string): void => {
    setPanel('none');
    go(`/c/${id}`);
  };
  return (
    <main className={`main${current === null || searching.front ? '' : ' main-open'}`}>
      <FullNotice />
      {/* Its place in the grid is kept: role, name and dialog come with what there is to say. */}
      <Suspense fallback={<div className="full-place" />}>{contradicted ? <DirectoryAlarm /> : <div className="full-place" />}</Suspense>
      <AuditAlarm />
      {searching.open ? (
        <div className="side">
          <Suspense fallback={null}>
            <Search within={searching.within} onShown={() => setSearching({ ...searching, front: false })} onClose={() => setSearching({ open: false, front: false, within: null })} />
          </Suspense>
        </div>
      ) : (
        <Side me={me} came={came} current={current} panel={panel} onPanel={setPanel} onSearch={() => search(null)} />
      )}
      <div className="pane" id="conversation">
        {conversation !== undefined ? <Conversation key={conversation.conversationId} conversation={conversation} onSearch={() => search(conversation.conversationId)} /> : current === null ? <Nothing onPanel={setPanel} /> : <Missing onBack={() => go('/')} />}
      </div>
      <Suspense fallback={null}>
        {panel === 'new' ? <NewConversation onClose={close} onOpen={open} /> : null}
        {panel === 'invite' ? <Invite onClose={close} /> : null}
        {panel === 'people' ? <People onClose={close} onOpen={open} /> : null}
        {panel === 'settings' ? <SettingsDialog me={me} first={letIn === null ? 'general' : 'devices'} code={letIn} onClose={close} /> : null}
        {panel === 'keys' ? <Shortcuts onClose={close} /> : null}
        {panel === 'notices' ? <Notices onClose={close} /> : null}
      </Suspense>
    </main>
  );
}

/** To the heading, for whoever just came in: the form that had the focus is gone. */
function useArrival(came: boolean): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (came && isFocusLost()) heading.current?.focus();
  }, [came]);
  return heading;
}

interface Searching {
  readonly open: boolean;
  /** On a phone: before the conversation, not behind it. */
  readonly front: boolean;
  readonly within: ConversationId | null;
}

function Side({ me, came, current, panel, onPanel, onSearch }: { readonly me: Me; readonly came: boolean; readonly current: string | null; readonly panel: Panel; readonly onPanel: (panel: Panel) => void; readonly onSearch: () => void }) {
  const { t } = useText();
  const notices = useSnapshot((now) => now.notices.length);
  const any = useSnapshot((now) => now.conversations.length > 0);
  const [query, setQuery] = useState('');
  const filter = useRef<HTMLInputElement>(null);
  // An open conversation brings the heading of the page itself.
  const Brand = current === null ? 'h1' : 'span';
  const side = useRef<HTMLElement>(null);
  const heading = useArrival(came);
  useKeys({ find: () => filter.current?.focus() });
  const hadNotices = useRef(notices > 0);
  useEffect(() => {
    if (panel !== 'none') return;
    // The button that opened the notices is gone with them.
    if (hadNotices.current && notices === 0 && isFocusLost()) side.current?.focus();
    hadNotices.current = notices > 0;
  }, [notices, panel]);
  return (
    <nav className="side" aria-label={t('brand')} ref={side} tabIndex={-1}>
      <a className="skip" href="#conversation">
        {t('nav.skip')}
      </a>
      <header className="side-head">
        <Brand className="brand" {...(current === null ? { tabIndex: -1, ref: heading } : {})}>
          <Mark />
          {t('brand')}
        </Brand>
        {notices > 0 ? <IconButton label={t('nav.notices', { count: notices })} icon={<ShieldAlert size={20} className="warn" aria-hidden="true" />} onPress={() => onPanel('notices')} /> : null}
        {me.role === 'member' ? null : <ToAdministration />}
        {any ? <IconButton label={t('search.title')} icon={<SearchIcon size={20} aria-hidden="true" />} onPress={onSearch} /> : null}
        <IconButton label={t('list.new')} icon={<SquarePen size={20} aria-hidden="true" />} onPress={() => onPanel('new')} />
      </header>
      {any ? (
        <div className="filter">
          <input
            ref={filter}
            className="filter-input"
            type="search"
            aria-label={t('list.filter')}
            placeholder={t('list.filter')}
            value={query}
            onChange={(event) => setQuery(event.currentTarget.value)}
            onKeyDown={(event) => (event.key === 'Escape' ? setQuery('') : undefined)} autoComplete="off"
          />
          <kbd className="filter-key" aria-hidden="true">
            {onMac ? '⌘K' : 'Ctrl K'}
          </kbd>
        </div>
      ) : null}
      <ConversationList current={current} query={query} />
      {any ? null : (
        <div className="side-empty">
          <NoConversations onPanel={onPanel} />
        </div>
      )}
      <KeepingNotice onGone={() => side.current?.focus()} />
      <footer className="side-foot">
        <Avatar face={face(me.displayName, me.userId)} size={36} />
        <span className="side-me">
          <span className="side-name">{me.displayName}</span>
          <span className="side-handle">@{me.handle}</span>
        </span>
        <IconButton label={t('nav.invite')} icon={<UserPlus size={20} aria-hidden="true" />} onPress={() => onPanel('invite')} placement="top" />
        <IconButton label={t('nav.people')} icon={<Users size={20} aria-hidden="true" />} onPress={() => onPanel('people')} placement="top" />
        <IconButton label={t('nav.settings')} icon={<Settings size={20} aria-hidden="true" />} onPress={() => onPanel('settings')} placement="top" />
      </footer>
    </nav>
  );
}

function ToAdministration() {
  const { t } = useText();
  const [, go] = useLocation();
  return <IconButton label={t('nav.admin')} icon={<SlidersHorizontal size={20} aria-hidden="true" />} onPress={() => go('/admin/audit')} />;
}

function NoConversations({ onPanel }: { readonly onPanel: (panel: Panel) => void }) {
  const { t } = useText();
  const alone = useSnapshot((now) => now.people.length < 2);
  return alone ? (
    <Empty title={t('list.empty.alone')} text={t('list.empty.alone_text')} action={<Button kind="primary" onPress={() => onPanel('invite')}>{t('list.empty.invite')}</Button>} />
  ) : (
    <Empty title={t('list.empty.title')} text={t('list.empty.text')} action={<Button kind="primary" onPress={() => onPanel('new')}>{t('new.start')}</Button>} />
  );
}

function Nothing({ onPanel }: { readonly onPanel: (panel: Panel) => void }) {
  const { t } = useText();
  const any = useSnapshot((now) => now.conversations.length > 0);
  return <div className="pane-empty">{any ? <Empty title={t('nav.pick')} text={t('nav.pick_text')} /> : <NoConversations onPanel={onPanel} />}</div>;
}

function Missing({ onBack }: { readonly onBack: () => void }) {
  const { t } = useText();
  return (
    <div className="pane-empty">
      <Empty title={t('conv.missing')} text={t('conv.missing_text')} action={<Button onPress={onBack}>{t('conv.missing_action')}</Button>} />
    </div>
  );
}
