import { posix } from 'node:path';
import { importsOf, type Finding, type Source } from './source.ts';

/** HOUSE.md's table: what each room may import besides itself. Rooms that are not named here may import nothing. */
const walls: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  ops: [],
  config: [],
  ports: ['protocol'],
  domain: ['protocol', 'ports'],
  commands: ['protocol', 'domain', 'ops'],
  session: ['protocol', 'ports', 'commands', 'ops'],
  transport: ['protocol', 'session', 'ops'],
  storage: ['protocol', 'ports', 'ops'],
  bus: ['protocol', 'ports', 'ops'],
  jobs: ['ports', 'domain', 'ops'],
  compose: ['protocol', 'config', 'ports', 'domain', 'commands', 'session', 'transport', 'storage', 'bus', 'jobs', 'ops'],
  main: ['config', 'compose', 'ops'],
  engine: ['protocol'],
  platform: ['protocol', 'engine'],
  // `platform` itself is what both of these share; the table's "platform/node" for the SDK means: nothing of browsers.
  'platform/browser': ['protocol', 'engine', 'platform'],
  'platform/node': ['protocol', 'engine', 'platform'],
  sdk: ['engine', 'platform/node', 'platform', 'protocol'],
  'view models': ['engine', 'i18n'],
  components: ['styles', 'i18n'],
  views: ['view models', 'components', 'styles', 'i18n'],
  styles: [],
  i18n: [],
  // The page's entry is to the client what compose is to the server.
  client: ['engine', 'platform', 'platform/browser', 'view models', 'views', 'components', 'styles', 'i18n'],
  scripts: ['config', 'compose', 'sdk', 'harness'],
  // Works on a data folder without a server, so it is a composition of its own.
  cli: ['protocol', 'config', 'compose', 'ports', 'domain', 'storage', 'jobs', 'ops', 'scripts'],
  // Speaks the wire itself: what it measures is the relay and not the client.
  bench: ['config', 'compose', 'sdk', 'harness', 'scripts', 'protocol'],
};

/**
 * Where the table cannot hold for types alone, because a room's own signature is made of them; nothing of these runs.
 * components: props are made of the view models' parts. commands: handlers take the ports' row types that services return. transport: the runtime port's timers.
 */
const typesOnly: Readonly<Record<string, readonly string[]>> = {
  components: ['view models'],
  commands: ['ports'],
  transport: ['ports'],
  jobs: ['protocol'],
  'view models': ['protocol'],
};

const places: readonly (readonly [RegExp, string])[] = [
  [/^server\/main\.ts$/, 'main'],
  [/^server\/compose(\.ts$|\/|-[a-z-]+\.ts$)/, 'compose'],
  [/^web\/engine\//, 'engine'],
  [/^web\/platform\/node\//, 'platform/node'],
  [/^web\/platform\/browser\//, 'platform/browser'],
  [/^web\/platform\//, 'platform'],
  [/^web\/sdk\//, 'sdk'],
  [/^web\/ui\/(view-)?models\//, 'view models'],
  [/^web\/ui\/views\//, 'views'],
  [/^web\/ui\/components\//, 'components'],
  [/^web\/ui\/styles\//, 'styles'],
  [/^web\/ui\/i18n\//, 'i18n'],
  [/^web\/ui\/[^/]+$/, 'client'],
  [/^web\/[^/]+$/, 'client'],
  [/^scripts\/(abuse|bench|bench-web|torture)\//, 'bench'],
  [/^scripts\/cli\//, 'cli'],
  [/^scripts\//, 'scripts'],
  [/^test\/harness\//, 'harness'],
  [/^test\//, 'test'],
];

/** The room of a path; null for what stands outside (configuration files at the root). */
export const roomOf = (path: string): string | null => {
  const place = places.find(([pattern]) => pattern.test(path));
  if (place) return place[1];
  return /^(?:server|web)\/([^/]+)\//.exec(path)?.[1] ?? null;
};

/** The file that a specifier means, from the root; null for packages and Node's modules. */
export const targetOf = (from: string, specifier: string): string | null => {
  const bare = specifier.replace(/\?.*$/, '');
  if (bare.startsWith('#protocol/')) return `server/protocol/${bare.slice('#protocol/'.length)}`;
  return bare.startsWith('.') ? posix.join(posix.dirname(from), bare) : null;
};

export const checkWalls = (source: Source): Finding[] => {
  const room = roomOf(source.path);
  if (room === null || room === 'test' || room === 'harness') return [];
  const allowed = walls[room];
  if (!allowed) return [{ path: source.path, line: 1, rule: 'wall', message: `the room "${room}" is not on the floor plan` }];
  return importsOf(source).flatMap(({ specifier, start, typeOnly }) => {
    const target = targetOf(source.path, specifier);
    const other = target === null ? null : roomOf(target);
    if (other === null || other === room || allowed.includes(other)) return [];
    if (typeOnly && typesOnly[room]?.includes(other)) return [];
    return [{ path: source.path, line: source.line(start), rule: 'wall', message: `${room} may not import ${other} (${specifier})` }];
  });
};
