/** Set-up, joining and signing in: steps, field rules and links. */
import * as limits from '../../engine/limits.ts';
import type { Grant, RecoveryCodes } from './app.ts';

/** Reads `#token=…` of a set-up or invite link; null when there is none. */
export function grantOf(path: string, fragment: string): Grant | null {
  const token = new URLSearchParams(fragment.replace(/^#/, '')).get('token');
  if (token === null || token === '') return null;
  if (path === '/setup') return { kind: 'setup', token };
  return path === '/join' ? { kind: 'invite', token } : null;
}

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

export const tidyName = (name: string): string => name.trim().replace(/\s+/g, ' ').normalize('NFC');

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

export type Step =
  | { readonly at: 'who' }
  | { readonly at: 'notice' }
  | { readonly at: 'factor' }
  | { readonly at: 'recovery'; readonly codes: RecoveryCodes }
  | { readonly at: 'confirm'; readonly codes: RecoveryCodes; readonly asked: readonly [number, number] };

export const stepNumber: Readonly<Record<Step['at'], number>> = { who: 1, notice: 2, factor: 3, recovery: 4, confirm: 5 };
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
