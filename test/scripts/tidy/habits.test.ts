import { describe, expect, it } from 'vitest';
import { checkAny, checkDefaultExport, checkEmptyCatch, checkFileName, checkUnfinished, checkUnfinishedText } from '../../../scripts/tidy/habits.ts';
import { checkFileSize, checkFunctionSize, checkInterfaceSize } from '../../../scripts/tidy/sizes.ts';
import { parseSource, type Finding, type Source } from '../../../scripts/tidy/source.ts';

const lines = (check: (source: Source) => Finding[], path: string, text: string): number[] => check(parseSource(path, text)).map(({ line }) => line);
const long = (count: number): string => 'call();\n'.repeat(count);

describe('sizes', () => {
  it('files have at most 400 lines', () => {
    expect(checkFileSize('server/a.ts', long(400))).toEqual([]);
    expect(checkFileSize('server/a.ts', long(401))).toMatchObject([{ line: 401, rule: 'file-size' }]);
    expect(checkFileSize('server/generated/a.ts', long(401))).toEqual([]);
  });

  it('functions have at most 70 lines', () => {
    const body = (count: number): string => `\nexport const run = () => {\n${long(count)}};`;
    expect(lines(checkFunctionSize, 'server/a.ts', body(68))).toEqual([]);
    expect(lines(checkFunctionSize, 'server/a.ts', body(69))).toEqual([2]);
    expect(checkFunctionSize(parseSource('server/a.ts', body(69)))[0]?.message).toBe('run has 71 lines, at most 70');
    expect(lines(checkFunctionSize, 'server/a.ts', `class A {\nrun() {\n${long(69)}}\n}`)).toEqual([2]);
  });

  it('suites may be longer, tests may not', () => {
    expect(lines(checkFunctionSize, 'test/a.test.ts', `describe.each([1])('a', () => {\n${long(90)}});`)).toEqual([]);
    expect(lines(checkFunctionSize, 'test/contract/a.ts', `export const contract = (make) => {\n${long(60)}describe('a', () => {\n${long(90)}});\n}`)).toEqual([]);
    expect(lines(checkFunctionSize, 'test/contract/a.ts', `export const contract = (make) => {\n${long(75)}describe('a', () => {\n${long(90)}});\n}`)).toEqual([1]);
    expect(lines(checkFunctionSize, 'test/a.test.ts', `it('a', () => {\n${long(90)}});`)).toEqual([1]);
    expect(lines(checkFunctionSize, 'server/a.ts', `describe('a', () => {\n${long(90)}});`)).toEqual([1]);
  });

  it('interfaces have at most 20 methods', () => {
    const methods = (count: number): string => `interface A {\nx: number;\n${Array.from({ length: count }, (_, at) => (at % 2 ? `a${at}(): void;` : `a${at}: () => void;`)).join('\n')}\n}`;
    expect(lines(checkInterfaceSize, 'server/a.ts', methods(20))).toEqual([]);
    expect(lines(checkInterfaceSize, 'server/a.ts', methods(21))).toEqual([1]);
  });
});

describe('names', () => {
  it.each(['server/domain/rate-limits.ts', 'test/server/rate-limits.test.ts', 'vite.config.ts', 'server/protocol/SPEC.md', 'test/fixtures/Foo.json'])('%s', (path) =>
    expect(checkFileName(path)).toEqual([]));
  it.each(['server/utils/a.ts', 'server/session-manager.ts', 'web/engine/helpers.ts', 'test/misc.test.ts', 'web/ui/Button.tsx', 'server/rate_limits.ts'])('not %s', (path) =>
    expect(checkFileName(path)).toMatchObject([{ path, rule: 'file-name' }]));
});

describe('habits', () => {
  it('leaves nothing unfinished', () => {
    expect(lines(checkUnfinished, 'server/a.ts', "const mark = 'TODO'; // done")).toEqual([]);
    expect(lines(checkUnfinished, 'server/a.ts', '\n// TODO later\n/* FIXME */')).toEqual([2, 3]);
    expect(checkUnfinishedText('web/a.css', 'a {}\n/* FIXME */')).toMatchObject([{ line: 2 }]);
  });

  it('says types', () => {
    expect(lines(checkAny, 'server/a.ts', "const any = 'any'; const x: unknown = any;")).toEqual([]);
    expect(lines(checkAny, 'server/a.ts', 'const x: any = 1;\nconst y = x as Promise<any>;')).toEqual([1, 2]);
  });

  it('swallows no error', () => {
    expect(lines(checkEmptyCatch, 'server/a.ts', 'try { a(); } catch { b(); }\np.catch((e) => log(e)); p.catch(() => null);')).toEqual([]);
    expect(lines(checkEmptyCatch, 'server/a.ts', 'try { a(); } catch { /* gone */ }\np.catch(() => {});')).toEqual([1, 2]);
  });

  it('exports names', () => {
    expect(lines(checkDefaultExport, 'vite.config.ts', 'export default {};')).toEqual([]);
    expect(lines(checkDefaultExport, 'server/a.ts', 'export const a = 1;')).toEqual([]);
    expect(lines(checkDefaultExport, 'server/a.ts', 'export default {};')).toEqual([1]);
    expect(lines(checkDefaultExport, 'server/a.ts', 'const a = 1;\nexport { a as default };')).toEqual([2]);
  });
});
