/** Names, avatars and titles. */
import type { ConversationView, EngineSnapshot, Me, PersonView, UserId } from './app.ts';

/** How many tints styles/avatar.css has. */
export const tintCount = 6;

export interface Face {
  /** One grapheme of a Chinese name, one letter of others. */
  readonly initial: string;
  readonly tint: number;
}

function hash(text: string): number {
  // FNV-1a, 32 bits; the upper half, because the lowest bits of neighbours are alike.
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 16;
}

export function face(name: string, seed: string): Face {
  const first = [...name.trim()][0] ?? '?';
  return { initial: first.toLocaleUpperCase(), tint: hash(seed) % tintCount };
}

export type Directory = ReadonlyMap<UserId, PersonView>;
/** `deleted`: what whoever has no account any more is called, in the language of the page. */
export function directory({ people, gone }: Pick<EngineSnapshot, 'people' | 'gone'>, deleted: string): Directory {
  const former = (userId: UserId): PersonView => ({ userId, handle: '', displayName: deleted, role: 'member', safetyNumber: null, identity: 'unknown', verified: false, keyChanges: [] });
  return new Map([...gone.map(former), ...people].map((person) => [person.userId, person]));
}

/** Null for somebody that this device has not heard of yet. */
export const nameOf = (people: Directory, userId: UserId): string | null => people.get(userId)?.displayName ?? null;

export const ownId = (snapshot: EngineSnapshot): UserId | null =>
  snapshot.account.state === 'ready' ? snapshot.account.me.userId : null;

/** Whose password link one may make: an owner everybody else's, an administrator those of members. */
export const mayReset = (me: Me, person: Pick<PersonView, 'userId' | 'role'>): boolean =>
  person.userId !== me.userId && (me.role === 'owner' || (me.role === 'admin' && person.role === 'member'));

/** The others of a conversation, in the order of their names. */
export function othersOf(conversation: ConversationView, me: UserId | null, people: Directory): readonly UserId[] {
  return conversation.members
    .filter((member) => member !== me)
    .toSorted((a, b) => (nameOf(people, a) ?? '').localeCompare(nameOf(people, b) ?? ''));
}

/** The title, or the names of the others; null when neither says anything (nobody else is left). */
export function titleOf(conversation: ConversationView, me: UserId | null, people: Directory, locale: string): string | null {
  if (conversation.title !== null) return conversation.title;
  const names = othersOf(conversation, me, people).flatMap((other) => nameOf(people, other) ?? []);
  if (names.length === 0) return null;
  return new Intl.ListFormat(locale, { type: 'unit', style: 'narrow' }).format(names.slice(0, 4)) + (names.length > 4 ? ' …' : '');
}

/** For a line that must not break: about `widthMax` Latin letters wide, a Chinese character counting as two. */
export function shortTitle(title: string, widthMax: number): string {
  let width = 0;
  let short = '';
  for (const { segment } of new Intl.Segmenter().segment(title)) {
    width += /[\u1100-\uffff]/.test(segment) ? 2 : 1;
    if (width > widthMax) return `${short.trimEnd()}…`;
    short += segment;
  }
  return title;
}

/** The existing conversation without a title that has exactly these two, newest first. */
export const directConversation = (conversations: readonly ConversationView[], other: UserId): ConversationView | undefined =>
  conversations.find((item) => item.active && item.title === null && item.members.length === 2 && item.members.includes(other));

const matches = (text: string, query: string): boolean => text.toLocaleLowerCase().includes(query);
export function filterPeople(people: readonly PersonView[], query: string): readonly PersonView[] {
  const wanted = query.trim().toLocaleLowerCase();
  return people.filter((person) => wanted === '' || matches(person.displayName, wanted) || matches(person.handle, wanted));
}

/** 60 digits as twelve groups of five. */
export const digitGroups = (digits: string): readonly string[] => digits.match(/.{1,5}/g) ?? [];

/** Typed or pasted digits against a safety number: `partly` while it can still become it. */
export function compareDigits(typed: string, digits: string): 'partly' | 'equal' | 'different' {
  const bare = typed.replace(/[\s-]/g, '');
  if (bare === digits) return 'equal';
  return digits.startsWith(bare) ? 'partly' : 'different';
}

/** When keys of members changed, for the timeline. */
export const keyChangesOf = (members: readonly UserId[], people: Directory): readonly { readonly person: UserId; readonly at: number }[] =>
  members.flatMap((person) => (people.get(person)?.keyChanges ?? []).map((at) => ({ person, at })));
