import { describe, expect, it } from 'vitest';
import { parseSource } from '../../../scripts/tidy/source.ts';
import { checkCatalogues, checkVisibleText, parseCatalogue } from '../../../scripts/tidy/words.ts';

const visible = (jsx: string, path = 'web/ui/views/a.tsx'): string[] => checkVisibleText(parseSource(path, `const a = ${jsx};`)).map(({ message }) => message);

describe('visible text', () => {
  it.each([
    '<p><Trans>Send <b>now</b></Trans></p>',
    '<p>{t`Send`}</p>',
    '<p className="row" data-kind="x">{count} · 5&nbsp;%</p>',
    '<input aria-label={t`Message`} type="text" placeholder={text} />',
    '<Plural value={n} one="# message" other="# messages" />',
    '<kbd>Ctrl K</kbd>',
    '<p>{open ? t`Open` : null}</p>',
    '<p>{name === "x" && <i />}</p>',
  ])('%s', (jsx) => expect(visible(jsx)).toEqual([]));

  it.each([
    ['<p>Send</p>', 'Send'],
    ['<p>发送 {name}</p>', '发送'],
    ['<p>{"Send"}</p>', '"Send"'],
    ['<p>{`Hello ${name}`}</p>', '`Hello ${name}`'],
    ['<p>{open ? "Open" : null}</p>', '"Open"'],
    ['<button aria-label="Close" />', '"Close"'],
    ['<img alt={"A bird"} />', '"A bird"'],
  ])('not %s', (jsx, text) => expect(visible(jsx)).toEqual([`not in the catalogues: ${text}`]));

  it('looks at the client only', () => {
    expect(visible('<p>Send</p>', 'test/web/ui/a.tsx')).toEqual([]);
  });
});

describe('catalogues', () => {
  const header = 'msgid ""\nmsgstr ""\n"Language: en\\n"\n\n';
  const po = (path: string, ...entries: [string, string][]) =>
    parseCatalogue(path, header + entries.map(([id, text]) => `#: web/a.tsx\nmsgid ${JSON.stringify(id)}\nmsgstr ${JSON.stringify(text)}\n`).join('\n'));

  it('are the same and whole', () => {
    expect(checkCatalogues([po('en.po', ['Send', 'Send'], ['a "b"', 'a "b"']), po('zh-CN.po', ['a "b"', '甲'], ['Send', '发送'])])).toEqual([]);
  });

  it('read lines that go on, contexts, and nothing obsolete', () => {
    const read = parseCatalogue('en.po', `${header}msgctxt "verb"\nmsgid ""\n"Se"\n"nd"\nmsgstr "Send"\n\n#~ msgid "Old"\n#~ msgstr ""\n`);
    expect([...read.entries]).toEqual([['verb\u0004Send', { line: 6, text: 'Send' }]]);
  });

  it('are found out when a message is missing or empty', () => {
    const findings = checkCatalogues([po('en.po', ['Send', 'Send'], ['Open', 'Open']), po('zh-CN.po', ['Send', ' '])]);
    expect(findings.map(({ path, message }) => `${path} ${message}`)).toEqual(['zh-CN.po "Send" is not translated', 'zh-CN.po "Open" is missing']);
  });
});
