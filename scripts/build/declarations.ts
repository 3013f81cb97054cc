import { posix } from 'node:path';
import { importsOf } from '../tidy/source.ts';
import { parseSource } from '../tidy/source.ts';

const contract = '#protocol/';

/** `./a.ts` from `web/sdk/index.d.ts` → `web/sdk/a.d.ts`; null for packages. */
const resolveDeclaration = (from: string, specifier: string): string | null => {
  const path = specifier.startsWith(contract)
    ? `server/protocol/${specifier.slice(contract.length)}`
    : specifier.startsWith('.')
      ? posix.join(posix.dirname(from), specifier)
      : null;
  return path === null ? null : path.replace(/\.tsx?$/, '.d.ts');
};

/**
 * Follows an emitted declaration to all that it imports, and gives each file its place in the package: the entry at
 * the top, the others below `types/`, specifiers rewritten so that neither `#protocol` nor `.ts` reaches a consumer.
 */
export const declarationsFrom = (entry: string, read: (path: string) => string): Map<string, string> => {
  const place = (path: string): string => (path === entry ? 'index.d.ts' : `types/${path}`);
  const files = new Map<string, string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(place(path))) continue;
    const text = read(path);
    let written = '';
    let copied = 0;
    for (const found of importsOf(parseSource(path, text))) {
      const target = resolveDeclaration(path, found.specifier);
      if (target === null) continue;
      waiting.push(target);
      const relative = posix.relative(posix.dirname(place(path)), place(target)).replace(/\.d\.ts$/, '.js');
      written += `${text.slice(copied, found.start)}'${relative.startsWith('.') ? relative : `./${relative}`}'`;
      copied = found.end;
    }
    files.set(place(path), written + text.slice(copied));
  }
  return files;
};
