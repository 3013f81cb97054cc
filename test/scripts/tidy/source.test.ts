import { expect, it } from 'vitest';
import { importsOf, parseSource } from '../../../scripts/tidy/source.ts';

it('finds every way of naming a module', () => {
  const source = parseSource(
    'web/a.ts',
    `import { a } from './a.ts';
import type { B } from './b.ts';
import { type C } from './c.ts';
export * from './d.ts';
const e = await import('./e.ts');
type F = import('./f.ts').F;
const worker = new URL('./g.ts', import.meta.url);
// import './comment.ts'
const text = "import './text.ts'";`,
  );
  expect(importsOf(source).map(({ specifier, typeOnly }) => [specifier, typeOnly])).toEqual([
    ['./a.ts', false],
    ['./b.ts', true],
    ['./c.ts', true],
    ['./d.ts', false],
    ['./e.ts', false],
    ['./f.ts', true],
    ['./g.ts', false],
  ]);
});

it('names the file that it cannot read', () => {
  expect(() => parseSource('web/broken.ts', 'const = 1')).toThrow('web/broken.ts');
});
