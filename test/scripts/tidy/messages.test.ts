import { describe, expect, it } from 'vitest';
import { checkMessages } from '../../../scripts/tidy/messages.ts';
import { parseSource } from '../../../scripts/tidy/source.ts';
import { parseCatalogue } from '../../../scripts/tidy/words.ts';

const messages = (text: string, ...ids: string[]): string[] => {
  const catalogue = parseCatalogue('en.po', ids.map((id) => `msgid "${id}"\nmsgstr "x"\n`).join('\n'));
  return checkMessages([parseSource('web/ui/views/a.tsx', text)], catalogue).map(({ path, line, message }) => `${path}:${line} ${message}`);
};

describe('message ids', () => {
  it('are in the catalogue and used, also from tables and by prefix', () => {
    expect(messages("t('send'); text.t('open', { n: 1 }); const titles = { a: 'title.a' }; t(`error.${code}`); t(`${key}.text`)", 'send', 'open', 'title.a', 'error.offline', 'grant.none.text')).toEqual([]);
  });

  it('are missed when they are not there', () => {
    expect(messages("\nt('send');")).toEqual(['web/ui/views/a.tsx:2 "send" is not in en.po']);
  });

  it('are found when nothing shows them', () => {
    expect(messages('t(`error.${code}`);', 'old', 'error.offline')).toEqual(['en.po:1 nothing shows "old"']);
  });
});
