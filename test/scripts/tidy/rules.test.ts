import { describe, expect, it } from 'vitest';
import { checkReach } from '../../../scripts/tidy/reach.ts';
import { checkRules } from '../../../scripts/tidy/rules.ts';
import { parseSource } from '../../../scripts/tidy/source.ts';

describe('numbered rules', () => {
  const spec = { path: 'SPEC.md', text: '# Rules\n- **[A1]** One.\n- **[A2]** Two.\n' };
  const messages = (text: string, specification = spec): string[] => checkRules(specification, [parseSource('test/a.test.ts', text)]).map(({ line, message }) => `${line} ${message}`);

  it('are covered by titles, of suites and of tables, too', () => {
    expect(messages("it('[A1] one', f); describe('x', () => { test.each([1])(`[A2] ${name}`, f); });")).toEqual([]);
    expect(messages("describe('[A1][A2] both', f);")).toEqual([]);
  });

  it('are uncovered without a title, and by what is skipped', () => {
    expect(messages("it('[A1] one', f); // [A2]\nconst text = '[A2]';\nit.skip('[A2] two', f); it.todo('[A2] two');")).toEqual(['3 no test bears [A2]']);
  });

  it('must exist and stand once', () => {
    expect(messages("it('[A1] [A2]', f);\nit('[B7] x', f);")).toEqual(['2 [B7] is not in SPEC.md']);
    expect(messages("it('[A1]', f);", { path: 'SPEC.md', text: '**[A1]** a\n**[A1]** b' })).toEqual(['2 [A1] stands twice']);
  });
});

describe('dead files', () => {
  const files = (texts: Record<string, string>) => Object.entries(texts).map(([path, text]) => parseSource(path, text));
  const dead = (texts: Record<string, string>, tests: string[] = []): string[] => checkReach(files(texts), { product: ['server/main.ts'], tests }).map(({ path }) => path);

  it('are none when everything is reached, workers and types too', () => {
    const texts = {
      'server/main.ts': "import './a.ts'; new Worker(new URL('./worker.ts', import.meta.url)); import type { P } from '#protocol/p.ts';",
      'server/a.ts': "export * from './b.ts';",
      'server/b.ts': '',
      'server/worker.ts': '',
      'server/assets.d.ts': '',
      'server/protocol/p.ts': '',
    };
    expect(dead(texts)).toEqual([]);
  });

  it('are what only tests reach, but for the model adapters', () => {
    const texts = { 'server/main.ts': '', 'server/a.ts': '', 'server/storage/memory/store.ts': '', 'test/a.test.ts': "import '../server/a.ts'; import '../server/storage/memory/store.ts'; import './harness/b.ts';", 'test/harness/b.ts': '', 'test/harness/c.ts': '' };
    expect(dead(texts, ['test/a.test.ts'])).toEqual(['server/a.ts', 'test/harness/c.ts']);
  });

  it('include an entry that is not there', () => {
    expect(dead({ 'server/a.ts': '' })).toEqual(['server/main.ts', 'server/a.ts']);
  });
});
