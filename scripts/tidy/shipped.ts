import * as v from 'valibot';
import { importsOf, type Finding, type Source } from './source.ts';

const Manifest = v.object({ dependencies: v.record(v.string(), v.string()) });

/** Names of the packages that an image has, from the text of package.json. */
export const shippedPackages = (manifest: string): ReadonlySet<string> =>
  new Set(Object.keys(v.parse(Manifest, JSON.parse(manifest)).dependencies));

/** What dist/server is built from; packages stay outside of it (scripts/build/server.ts). */
const builtServer = /^(server|scripts\/cli)\//;

const packageOf = (specifier: string): string | null => {
  if (/^(\.|\/|#|node:)/.test(specifier)) return null;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
};

/** A server that imports a development package runs in a clone and does not start in the image. */
export const checkShipped = (source: Source, shipped: ReadonlySet<string>): Finding[] => {
  if (!builtServer.test(source.path)) return [];
  return importsOf(source).flatMap(({ specifier, start, typeOnly }) => {
    const name = typeOnly ? null : packageOf(specifier);
    if (name === null || shipped.has(name)) return [];
    return [
      {
        path: source.path,
        line: source.line(start),
        rule: 'shipped',
        message: `${name} is not among the dependencies of package.json`,
      },
    ];
  });
};
