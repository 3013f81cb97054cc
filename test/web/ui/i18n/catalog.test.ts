/** Every text exists in both languages, compiles, and takes the same values; every code that a person may meet has one. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileMessage } from '@lingui/message-utils/compileMessage';
import { describe, expect, it } from 'vitest';
import { errors } from '../../../../server/protocol/errors.ts';
import { engineErrors } from '../../../../web/engine/api.ts';

const ui = fileURLToPath(new URL('../../../../web/ui/', import.meta.url));
const poOf = (locale: string): string => readFileSync(`${ui}i18n/locales/${locale}.po`, 'utf8');
function catalog(locale: string): ReadonlyMap<string, string> {
  const text = poOf(locale);
  const pairs = [...text.matchAll(/^msgid (".+")\nmsgstr (".*")$/gm)].map((found): [string, string] => [JSON.parse(found[1] ?? ''), JSON.parse(found[2] ?? '')]);
  return new Map(pairs);
}
const en = catalog('en');
const zh = catalog('zh-CN');
const sources = readdirSync(ui, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'));
const names = (message: string): string[] => [...new Set([...message.matchAll(/\{(\w+)/g)].map((found) => found[1] ?? ''))].toSorted();

describe('catalogues', () => {
  it('hold the same ids, none empty', () => {
    expect([...zh.keys()]).toEqual([...en.keys()]);
    expect([...en, ...zh].filter(([, text]) => text.trim() === '')).toEqual([]);
    expect(en.size).toBeGreaterThan(200);
  });
  it('mark every id as one of ours: without the mark the compiler makes another one of it', () => {
    for (const locale of ['en', 'zh-CN']) {
      const unmarked = [...poOf(locale).matchAll(/(?<!#\. js-lingui-explicit-id\n)^msgid "(.+)"$/gm)].map((found) => found[1]);
      expect(unmarked).toEqual([]);
    }
  });
  it('compile', () => {
    for (const text of [...en.values(), ...zh.values()]) expect(() => compileMessage(text)).not.toThrow();
  });
  it('use the same values in both languages', () => {
    const fixed = [...en].filter(([, text]) => !text.includes('plural'));
    expect(fixed.map(([id]) => [id, names(zh.get(id) ?? '')])).toEqual(fixed.map(([id, text]) => [id, names(text)]));
  });
  it('have a text for every code', () => {
    const codes = [...Object.keys(errors), ...engineErrors];
    expect(codes.filter((code) => (en.get(`error.${code}`)?.length ?? 0) < 30)).toEqual([]);
    expect(codes.filter((code) => (zh.get(`error.${code}`)?.length ?? 0) < 12)).toEqual([]);
  });
  it('have every id that a screen names', () => {
    const named = sources.flatMap((name) => [...readFileSync(ui + name, 'utf8').matchAll(/\bt\('([\w.]+)'/g)].map((found) => found[1] ?? ''));
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((id) => !en.has(id))).toEqual([]);
  });
  it('keep the names that acceptance checks use', () => {
    const contract = {
      'list.name': 'Conversations', 'conv.log': 'Messages', 'composer.name': 'Message', 'composer.send': 'Send', 'list.new': 'New conversation',
      'nav.invite': 'Create invite', 'signin.submit': 'Sign in', 'signin.passkey': 'Sign in with a passkey', 'confirm.create': 'Create account',
      'who.name': 'Your name', 'who.handle': 'Handle', 'factor.password': 'Password', 'recovery.code': 'Recovery code', 'new.title': 'Conversation title',
      'members.add': 'Add people', 'members.remove': 'Remove {name}', 'members.leave': 'Leave conversation', 'conv.members_button': 'Members',
    };
    expect(Object.fromEntries(Object.keys(contract).map((id) => [id, en.get(id)]))).toEqual(contract);
  });
});

describe('sources', () => {
  it('hold no visible text of their own', () => {
    const loose = sources
      .filter((name) => name.startsWith('views/'))
      .flatMap((name) => [...readFileSync(ui + name, 'utf8').matchAll(/>\s*([A-Z][a-z]+ [a-z]+[^<>{}=;]*)</g)].map((found) => `${name}: ${found[1]}`));
    expect(loose).toEqual([]);
  });
});
