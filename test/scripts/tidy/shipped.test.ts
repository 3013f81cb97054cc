import { describe, expect, it } from 'vitest';
import { checkShipped, shippedPackages } from '../../../scripts/tidy/shipped.ts';
import { parseSource } from '../../../scripts/tidy/source.ts';

const shipped = shippedPackages(
  '{"dependencies":{"valibot":"1.0.0","@a/b":"1.0.0"},"devDependencies":{"cborg":"1.0.0"}}',
);
const messages = (path: string, text: string): string[] =>
  checkShipped(parseSource(path, text), shipped).map(({ message }) => message);

describe('packages that the built server needs', () => {
  it.each([
    [
      'server/a.ts',
      "import * as v from 'valibot'; import '@a/b/c'; import 'node:fs'; import './b.ts'; import '#protocol/ids.ts';",
    ],
    ['server/a.ts', "import type { X } from 'cborg';"],
    ['test/server/a.test.ts', "import { encode } from 'cborg';"],
    ['web/ui/a.tsx', "import 'react';"],
  ])('%s may: %s', (path, text) => expect(messages(path, text)).toEqual([]));

  it.each([
    ['server/storage/a.ts', "import { encode } from 'cborg';", 'cborg'],
    ['scripts/cli/a.ts', "await import('@a/c/d');", '@a/c'],
  ])('%s may not: %s', (path, text, name) =>
    expect(messages(path, text)).toEqual([`${name} is not among the dependencies of package.json`]),
  );
});
