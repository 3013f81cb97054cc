/** Set-up, joining and signing in: steps, field rules and links. */
import * as limits from '../../engine/limits.ts';
import type { EngineErrorCode, Grant, RecoveryCodes } from './app.ts';

export const { inviteLabelLengthMax } = limits;

/** Reads `#token=…` of a set-up or invite link; null when there is none. */
export function grantOf(path: string, fragment: string): Grant | null {
  const token = new URLSearchParams(fragment.replace(/^#/, '')).get('token');
  if (token === null || token === '') return null;
  if (path === '/setup') return { kind: 'setup', token };
  return path === '/join' ? { kind: 'invite', token } : null;
}

/** Reads `/reset#token=…`, an administrator's link to a new password; null when it is none. */
export function resetToken(path: string, fragment: string): string | null {
  const token = path === '/reset' ? new URLSearchParams(fragment.replace(/^#/, '')).get('token') : null;
  return token === '' ? null : token;
}

/** A link that no other machine can open. */
export const opensHereOnly = (link: string): boolean => /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$)/.test(link);

/** The storage of one tab (Web Storage §"sessionStorage"): a reload keeps it, another tab never sees it. */
export interface TabStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}
const grantKey = 'lanying.grant';

/** The grant of the link that was just opened, else the one that this tab opened this page with before. */
export function tabGrant(storage: TabStorage, path: string, fragment: string): Grant | null {
  const opened = grantOf(path, fragment);
  if (opened !== null) storage.setItem(grantKey, `${path}#${new URLSearchParams({ token: opened.token })}`);
  const [keptPath, kept] = (storage.getItem(grantKey) ?? '').split('#');
  return opened ?? (keptPath === path ? grantOf(path, kept ?? '') : null);
}
export const forgetGrant = (storage: TabStorage): void => storage.removeItem(grantKey);

/** A handle out of a name: Latin letters and digits without accents; empty where the name has none. */
export function suggestHandle(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '.')
    .replace(/^\.+|\.+$/g, '')
    .slice(0, limits.handleLengthMax)
    .replace(/\.+$/, '');
}

/** Two sentences of one paragraph: Chinese ones stand without a space between. */
export const sentences = (locale: string, first: string, second: string | null): string => (second === null ? first : `${first}${locale.startsWith('zh') ? '' : ' '}${second}`);

/** As people meant it: without what is not seen ([N1]), which comes along with pasted text. */
export const tidyName = (name: string): string => limits.withoutUnseen(name.replace(/\s+/g, ' ')).normalize('NFC').replace(/ +/g, ' ').trim();

export type FieldError = 'field.name_empty' | 'field.name_long' | 'field.handle_empty' | 'field.handle_form' | 'field.password_short' | 'field.password_long';
export function nameError(name: string): FieldError | null {
  const tidy = tidyName(name);
  if (tidy === '') return 'field.name_empty';
  return tidy.length > limits.displayNameLengthMax ? 'field.name_long' : null;
}
export function handleError(handle: string): FieldError | null {
  if (handle === '') return 'field.handle_empty';
  const fits = handle.length <= limits.handleLengthMax && /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(handle);
  return fits ? null : 'field.handle_form';
}
/** The note on an invite as it is sent; undefined without one. */
export const inviteLabel = (typed: string): string | undefined => {
  const tidy = tidyName(typed).slice(0, limits.inviteLabelLengthMax).trim();
  return tidy === '' ? undefined : tidy;
};
/** Length is counted in code points, as people count. */
export const passwordLength = (password: string): number => [...password].length;
export function passwordError(password: string, lengthMin: number): FieldError | null {
  if (passwordLength(password) < lengthMin) return 'field.password_short';
  return password.length > limits.passwordLengthMax ? 'field.password_long' : null;
}
export type Strength = 'short' | 'enough' | 'good' | 'excellent';
/** By length alone: rules about character classes make passwords worse. */
export function strength(password: string, lengthMin: number): Strength {
  const length = passwordLength(password);
  if (length < lengthMin) return 'short';
  if (length < lengthMin + 5) return 'enough';
  return length < lengthMin + 13 ? 'good' : 'excellent';
}

export type Step = 'who' | 'notice' | 'factor' | 'recovery' | 'confirm';
/** The password stays while the other way is looked at. */
export interface Factor {
  readonly kind: 'passkey' | 'password';
  readonly password: string;
}

/** The step at which a person can do something about a refusal at the end; null for the one they are at. */
export function stepAfter(code: EngineErrorCode): Step | null {
  if (code === 'handle.taken') return 'who';
  return code === 'password.weak' || code === 'passkey.refused' || code === 'ceremony.expired' ? 'factor' : null;
}

export const stepNumber: Readonly<Record<Step, number>> = { who: 1, notice: 2, factor: 3, recovery: 4, confirm: 5 };
export const stepCount = 5;

/** Groups of a code as it is printed: split at hyphens or spaces, else in fours. */
export function codeGroups(code: string): readonly string[] {
  const parts = code.trim().split(/[\s-]+/);
  return parts.length > 1 ? parts : (code.trim().match(/.{1,4}/g) ?? []);
}

/** Two different groups to ask for. `pick(bound)` gives an integer from 0 to bound - 1. */
export function askedGroups(code: string, pick: (bound: number) => number): readonly [number, number] {
  const count = codeGroups(code).length;
  const first = pick(count);
  const second = (first + 1 + pick(Math.max(1, count - 1))) % count;
  return first < second ? [first, second] : [second, first];
}

/** Codes that were shown, the groups that are asked for and what was typed, and whether that was right once. */
export interface KeptCodes {
  readonly codes: RecoveryCodes;
  readonly asked: readonly [number, number];
  readonly typed: readonly [string, string];
  readonly confirmed: boolean;
}
/** After each preparation: the same code was kept already; a spare that nobody has seen yet must be shown. */
export function keptCodes(before: KeptCodes | null, codes: RecoveryCodes, pick: (bound: number) => number): KeptCodes {
  if (before?.codes.code !== codes.code) return { codes, asked: askedGroups(codes.code, pick), typed: ['', ''], confirmed: false };
  return { ...before, codes, confirmed: before.confirmed && before.codes.spare === codes.spare };
}

const plain = (text: string): string => text.replace(/[\s-]/g, '').toUpperCase();
export const groupMatches = (code: string, index: number, typed: string): boolean => plain(codeGroups(code)[index] ?? '') === plain(typed) && plain(typed) !== '';

/** What goes into the printed and saved sheet. */
export interface SheetTexts {
  readonly title: string;
  readonly account: string;
  readonly code: string;
  readonly spare: string;
  readonly keep: string;
}
export function recoverySheet(codes: RecoveryCodes, texts: SheetTexts): string {
  const lines = [texts.title, '', texts.account, '', texts.code, codeGroups(codes.code).join(' ')];
  if (codes.spare !== null) lines.push('', texts.spare, codeGroups(codes.spare).join(' '));
  return [...lines, '', texts.keep, ''].join('\n');
}

/** "Chromium, Linux": enough to know one's own devices apart, nothing more. */
export function deviceLabel(userAgent: string): string {
  const browsers = [
    ['Edg/', 'Edge'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chromium'],
    ['Safari/', 'Safari'],
  ] as const;
  const systems = [
    ['Android', 'Android'],
    ['iPhone', 'iOS'],
    ['iPad', 'iPadOS'],
    ['Windows', 'Windows'],
    ['Mac OS', 'macOS'],
    ['Linux', 'Linux'],
  ] as const;
  const found = (table: readonly (readonly [string, string])[], otherwise: string): string =>
    table.find(([mark]) => userAgent.includes(mark))?.[1] ?? otherwise;
  return `${found(browsers, 'Browser')}, ${found(systems, 'Unknown')}`;
}
