import { child, children, importsOf, stringOf, type Finding, type Node, type Source } from './source.ts';

/** Packages with one owner. Tests may import them to test them, the bench to measure us against them bare. */
const packageOwners: readonly { readonly name: string; readonly owner: RegExp; readonly where: string }[] = [
  { name: 'uWebSockets.js', owner: /^(server\/transport|scripts\/bench)\//, where: 'server/transport' },
  { name: 'ts-mls', owner: /^web\/engine\/mls\/library(-state)?\.ts$/, where: 'web/engine/mls/library.ts' },
];

const isOf = (specifier: string, name: string): boolean => specifier === name || specifier.startsWith(`${name}/`);

/** Rooms that browsers run: no module of Node's there. */
const browserSafe = /^(server\/protocol|web\/engine|web\/platform\/browser|web\/ui)\/|^web\/main\.tsx$/;

export const checkPackages = (source: Source): Finding[] => {
  if (source.path.startsWith('test/')) return [];
  return importsOf(source).flatMap(({ specifier, start }) => {
    const at = { path: source.path, line: source.line(start) };
    if (browserSafe.test(source.path) && specifier.startsWith('node:')) {
      return [{ ...at, rule: 'browser-safe', message: `${specifier} does not exist in browsers` }];
    }
    const owned = packageOwners.find(({ name }) => isOf(specifier, name));
    if (!owned || owned.owner.test(source.path)) return [];
    return [{ ...at, rule: 'owner', message: `only ${owned.where} may import ${owned.name}` }];
  });
};

const propertyOf = (node: Node): string | null => {
  const property = child(node, 'property');
  return node['computed'] === true ? stringOf(property) : typeof property?.['name'] === 'string' ? property['name'] : null;
};

const isGlobalObject = (node: Node | undefined): boolean => ['globalThis', 'window', 'self'].includes(String(node?.['name']));

/** `process`, also as `globalThis.process`. */
const isNamed = (node: Node | undefined, name: string): boolean =>
  node?.type === 'Identifier'
    ? node['name'] === name
    : node?.type === 'MemberExpression' && isGlobalObject(child(node, 'object')) && propertyOf(node) === name;

const envReader = 'server/config/env.ts';

export const checkEnvironment = (source: Source): Finding[] => {
  if (source.path === envReader || !/^(server|web)\//.test(source.path)) return [];
  const reads = source.nodes('MemberExpression').filter((node) => isNamed(child(node, 'object'), 'process') && propertyOf(node) === 'env');
  const imports = source.nodes('ImportDeclaration').filter((node) => /^(node:)?process$/.test(stringOf(child(node, 'source')) ?? ''));
  return [...reads, ...imports].map((node) => ({
    path: source.path,
    line: source.line(node.start),
    rule: 'environment',
    message: `the environment is read in ${envReader} only`,
  }));
};

const timeRooms = /^(server|web\/engine)\//;
const timeAllowed = /^server\/ports\/runtime[^/]*\.ts$|^server\/ops\/system-runtime\.ts$|^server\/compose(\.ts$|\/|-)|^server\/main\.ts$/;
const timers = ['setTimeout', 'setInterval', 'setImmediate'];
const members: Readonly<Record<string, string>> = { Date: 'now', Math: 'random', performance: 'now' };

/** Not a use of the global: a property's name, a declaration's own name, a type. */
const isOwnName = (node: Node, parent: Node | undefined): boolean => {
  if (!parent) return false;
  if (parent.type === 'MemberExpression') {
    return child(parent, 'property') === node && parent['computed'] !== true && !isGlobalObject(child(parent, 'object'));
  }
  if (parent.type.startsWith('TS')) return true;
  return ['Property', 'PropertyDefinition', 'MethodDefinition'].includes(parent.type) && child(parent, 'key') === node && parent['shorthand'] !== true;
};

/** Clock, randomness and timers come from the runtime port. */
export const checkRuntime = (source: Source): Finding[] => {
  if (!timeRooms.test(source.path) || timeAllowed.test(source.path)) return [];
  const found: [number, string][] = [];
  for (const node of source.nodes('MemberExpression')) {
    const property = propertyOf(node);
    const name = Object.keys(members).find((global) => isNamed(child(node, 'object'), global));
    if (name && members[name] === property) found.push([node.start, `${name}.${property}`]);
  }
  for (const node of source.nodes('Identifier')) {
    if (timers.includes(String(node['name'])) && !isOwnName(node, source.parent(node))) found.push([node.start, String(node['name'])]);
  }
  for (const node of source.nodes('NewExpression', 'CallExpression')) {
    const none = children(node, 'arguments').length === 0 || node.type === 'CallExpression';
    if (none && isNamed(child(node, 'callee'), 'Date')) found.push([node.start, node.type === 'NewExpression' ? 'new Date()' : 'Date()']);
  }
  for (const { specifier, start } of importsOf(source)) {
    if (/^(node:)?timers(\/promises)?$/.test(specifier)) found.push([start, specifier]);
  }
  return found.map(([start, what]) => ({ path: source.path, line: source.line(start), rule: 'runtime', message: `${what} is the runtime port's alone` }));
};
