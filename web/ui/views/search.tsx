/** The search panel: beside the conversations on a desktop, a screen of its own on a phone. */
import { ArrowLeft, CalendarDays, FileText, Image, Link2, MessageSquare, Search as SearchIcon, User, X } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useMemo, useRef } from 'react';
import { useLocation } from 'wouter';
import { useStore } from 'zustand';
import { Button, IconButton } from '../components/button.tsx';
import { useText } from '../i18n/text.ts';
import type { ConversationId } from '../models/app.ts';
import { directory, ownId, titleOf } from '../models/people.ts';
import { asksNothing, type Hit } from '../models/search.ts';
import { dayOf, type FilterKind, type Filters, type Lookups, suggestions, takeFilters } from '../models/search-tokens.ts';
import { useApp, useSnapshot } from './context.tsx';
import { SearchReach } from './search-reach.tsx';
import { SearchResults } from './search-results.tsx';
import '../styles/search.css';

const icons: Readonly<Record<FilterKind | 'image' | 'file', ReactNode>> = {
  from: <User size={14} aria-hidden="true" />,
  in: <MessageSquare size={14} aria-hidden="true" />,
  has: <Link2 size={14} aria-hidden="true" />,
  image: <Image size={14} aria-hidden="true" />,
  file: <FileText size={14} aria-hidden="true" />,
  after: <CalendarDays size={14} aria-hidden="true" />,
  before: <CalendarDays size={14} aria-hidden="true" />,
};

function useLookups(): Lookups {
  const { t, locale } = useText();
  const snapshot = useSnapshot((now) => now);
  return useMemo(() => {
    const people = directory(snapshot, t('deleted_person'));
    const me = ownId(snapshot);
    return {
      people: snapshot.people.map(({ userId, handle, displayName }) => ({ id: userId, handle, name: displayName })),
      conversations: snapshot.conversations.map((item) => ({ id: item.conversationId, title: titleOf(item, me, people, locale) ?? t('list.alone') })),
    };
  }, [snapshot, locale, t]);
}

/** `within`: the conversation that it was opened from. `onShown`: a message that was found is shown. */
export function Search({ within, onShown, onClose }: { readonly within: ConversationId | null; readonly onShown: () => void; readonly onClose: () => void }) {
  const { t } = useText();
  const { search, show } = useApp();
  const [, go] = useLocation();
  const state = useStore(search.state);
  const lookups = useLookups();
  const panel = useRef<HTMLElement>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => search.watch(), [search]);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
    const { input, filters } = search.state.getState();
    if (within !== null && !filters.in.includes(within)) search.ask(input, { ...filters, in: [within] });
  }, [search, within]);
  const open = (hit: Hit): void => {
    show(hit.conversationId, hit.sequence);
    go(`/c/${hit.conversationId}`);
    onShown();
  };
  const rows = (): HTMLElement[] => [...(panel.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    const all = rows();
    const at = all.findIndex((row) => row === document.activeElement);
    if (event.key === 'Escape') {
      event.preventDefault();
      if (asksNothing(state)) onClose();
      else search.clear();
      field.current?.focus();
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      all[Math.min(at + 1, all.length - 1)]?.focus();
    } else if (event.key === 'ArrowUp' && at >= 0) {
      event.preventDefault();
      (at === 0 ? field.current : all[at - 1])?.focus();
    }
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys of what is inside, heard once
    <section className="search" aria-label={t('search.title')} ref={panel} onKeyDown={onKeyDown}>
      <header className="search-head">
        <IconButton label={t('search.close')} icon={<ArrowLeft size={20} aria-hidden="true" />} onPress={onClose} />
        <Input field={field} lookups={lookups} onOpen={() => rows()[0]?.click()} />
      </header>
      <Chips filters={state.filters} lookups={lookups} onChange={(filters) => search.ask(state.input, filters)} />
      <Body lookups={lookups} field={field} onOpen={open} />
      <SearchReach />
    </section>
  );
}

function Input({ field, lookups, onOpen }: { readonly field: RefObject<HTMLInputElement | null>; readonly lookups: Lookups; readonly onOpen: () => void }) {
  const { t } = useText();
  const { search } = useApp();
  const state = useStore(search.state);
  const change = (typed: string, done = false): void => {
    const taken = takeFilters(typed, state.filters, lookups, done);
    search.ask(taken.input, taken.filters);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Backspace' && state.input === '') {
      const last = chipsOf(state.filters, lookups).at(-1);
      if (last !== undefined) search.ask('', last.without);
    }
    if (event.key !== 'Enter') return;
    event.preventDefault();
    const completing = suggestions(state.input, state.filters, lookups);
    const first = completing?.list[0];
    if (completing !== null && first !== undefined) search.ask(completing.rest, first.filters);
    else if (takeFilters(state.input, state.filters, lookups, true).filters !== state.filters) change(state.input, true);
    else onOpen();
  };
  return (
    <div className="search-box">
      <SearchIcon size={16} aria-hidden="true" />
      <input
        ref={field}
        className="search-input"
        type="search"
        aria-label={t('search.field')}
        placeholder={t('search.field')}
        value={state.input}
        onChange={(event) => change(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="search"
      />
    </div>
  );
}

/** What one may type, what may complete it, or what was found. */
function Body({ lookups, field, onOpen }: { readonly lookups: Lookups; readonly field: RefObject<HTMLInputElement | null>; readonly onOpen: (hit: Hit) => void }) {
  const { t } = useText();
  const { search } = useApp();
  const state = useStore(search.state);
  const completing = suggestions(state.input, state.filters, lookups);
  const ask = (input: string, filters: Filters): void => {
    search.ask(input, filters);
    field.current?.focus();
  };
  if (completing === null) {
    if (!asksNothing(state)) return <SearchResults lookups={lookups} onOpen={onOpen} />;
    return <Hints onPick={(word) => ask(`${word}:`, state.filters)} onHas={(what) => ask('', { ...state.filters, has: [what] })} />;
  }
  return (
    <ul className="search-list" role="list" aria-label={t('search.suggestions')}>
      {completing.list.map((one) => (
        <li key={one.key}>
          <button type="button" data-row className="search-suggestion" onClick={() => ask(completing.rest, one.filters)}>
            {icons[one.kind]}
            {one.kind === 'has' ? t(`search.has_${one.label}`) : one.label}
          </button>
        </li>
      ))}
      {completing.list.length === 0 ? <li className="search-note">{t(`search.form_${suggestionKind(state.input)}`)}</li> : null}
    </ul>
  );
}

/** Whether a date is being typed, or a name that nobody has. */
const suggestionKind = (input: string): 'date' | 'name' => (/(?:before|after|早于|晚于|之前|之后)[:：]\S*$/iu.test(input) ? 'date' : 'name');

interface Chip {
  readonly key: string;
  readonly kind: FilterKind;
  readonly label: string;
  readonly without: Filters;
}
function chipsOf(filters: Filters, { people, conversations }: Lookups): readonly Chip[] {
  return [
    ...filters.from.map((id): Chip => ({ key: id, kind: 'from', label: people.find((one) => one.id === id)?.name ?? '?', without: { ...filters, from: filters.from.filter((one) => one !== id) } })),
    ...filters.in.map((id): Chip => ({ key: id, kind: 'in', label: conversations.find((one) => one.id === id)?.title ?? '?', without: { ...filters, in: filters.in.filter((one) => one !== id) } })),
    ...filters.has.map((what): Chip => ({ key: what, kind: 'has', label: what, without: { ...filters, has: filters.has.filter((one) => one !== what) } })),
    ...(filters.after === null ? [] : [{ key: 'after', kind: 'after', label: dayText(filters.after), without: { ...filters, after: null } } satisfies Chip]),
    ...(filters.before === null ? [] : [{ key: 'before', kind: 'before', label: dayText(filters.before), without: { ...filters, before: null } } satisfies Chip]),
  ];
}
const dayText = (at: number): string => {
  const day = new Date(at);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}`;
};

function Chips({ filters, lookups, onChange }: { readonly filters: Filters; readonly lookups: Lookups; readonly onChange: (filters: Filters) => void }) {
  const { t } = useText();
  const chips = chipsOf(filters, lookups);
  if (chips.length === 0) return null;
  return (
    <ul className="chips" role="list" aria-label={t('search.filters')}>
      {chips.map(({ key, kind, label, without }) => {
        const text = t(`search.chip_${kind}`, { name: kind === 'has' ? t(`search.has_${label}`) : label });
        return (
          <li key={key} className="chip">
            {icons[kind]}
            {kind === 'after' || kind === 'before' ? <DayChip text={text} day={label} onDay={(at) => onChange({ ...filters, [kind]: at })} /> : <span className="chip-text">{text}</span>}
            <button type="button" className="chip-remove" aria-label={t('search.remove', { filter: text })} onClick={() => onChange(without)}>
              <X size={14} aria-hidden="true" />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function DayChip({ text, day, onDay }: { readonly text: string; readonly day: string; readonly onDay: (at: number) => void }) {
  return (
    <label className="chip-text">
      {text}
      <input className="chip-day" type="date" aria-label={text} value={day} onChange={(event) => { const at = dayOf(event.currentTarget.value); if (at !== null) onDay(at); }} />
    </label>
  );
}

function Hints({ onPick, onHas }: { readonly onPick: (word: string) => void; readonly onHas: (what: 'link' | 'image' | 'file') => void }) {
  const { t } = useText();
  return (
    <div className="search-hints">
      <p className="search-note">{t('search.hint')}</p>
      {(['from', 'in', 'after', 'before'] as const).map((kind) => (
        <button key={kind} type="button" data-row className="search-suggestion" onClick={() => onPick(t(`search.word_${kind}`))}>
          {icons[kind]}
          <span className="search-word">{t(`search.word_${kind}`)}:</span>
          <span className="search-means">{t(`search.means_${kind}`)}</span>
        </button>
      ))}
      <div className="row search-has">
        {(['link', 'image', 'file'] as const).map((what) => (
          <Button key={what} kind="plain" onPress={() => onHas(what)}>
            {what === 'link' ? icons.has : icons[what]}
            {t(`search.has_${what}`)}
          </Button>
        ))}
      </div>
    </div>
  );
}

