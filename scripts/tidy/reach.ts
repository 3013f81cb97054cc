import { importsOf, type Finding, type Source } from './source.ts';
import { targetOf } from './walls.ts';

export interface Entries {
  /** What ships or is run; each must exist. */
  readonly product: readonly string[];
  /** Test files and configuration. */
  readonly tests: readonly string[];
}

/** A second adapter of a port, which only tests and the simulation use (HOUSE rule 7). */
const isModel = (path: string): boolean => /(^|\/)memory(\/|-[a-z-]+\.ts$|\.ts$)/.test(path);

const reached = (from: readonly string[], edges: ReadonlyMap<string, readonly string[]>): Set<string> => {
  const seen = new Set<string>();
  const waiting = [...from];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path) || !edges.has(path)) continue;
    seen.add(path);
    waiting.push(...(edges.get(path) ?? []));
  }
  return seen;
};

/** Product code that nothing of the product reaches, and test code that no test reaches. */
export const checkReach = (sources: readonly Source[], entries: Entries): Finding[] => {
  const edges = new Map(sources.map((source) => [source.path, importsOf(source).flatMap(({ specifier }) => targetOf(source.path, specifier) ?? [])]));
  const absent = entries.product.filter((path) => !edges.has(path));
  const byProduct = reached(entries.product, edges);
  const byTests = reached([...entries.product, ...entries.tests], edges);
  const dead = sources.filter(({ path }) => {
    // Ambient declarations are found by the compiler and imported by nobody.
    if (byProduct.has(path) || path.endsWith('.d.ts')) return false;
    return !((path.startsWith('test/') || isModel(path) || entries.tests.includes(path)) && byTests.has(path));
  });
  return [
    ...absent.map((path) => ({ path, line: 1, rule: 'dead-file', message: 'this entry does not exist' })),
    ...dead.map(({ path }) => ({ path, line: 1, rule: 'dead-file', message: 'nothing that ships or is run imports it' })),
  ];
};
