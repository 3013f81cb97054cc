import { child, type Finding, type Node, type Source } from './source.ts';

const fileLinesMax = 400;
const functionLinesMax = 70;
const interfaceMethodsMax = 20;

const countLines = (text: string): number => (text === '' ? 0 : text.replace(/\n$/, '').split('\n').length);

/** Written by a machine: nobody reads them from top to bottom. */
export const isGenerated = (path: string): boolean => /(^|\/)generated\/|\.generated\.[a-z]+$/.test(path);

export const checkFileSize = (path: string, text: string): Finding[] => {
  const lines = countLines(text);
  if (lines <= fileLinesMax || isGenerated(path)) return [];
  return [{ path, line: fileLinesMax + 1, rule: 'file-size', message: `${lines} lines, at most ${fileLinesMax}` }];
};

const functions = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];

/** The first name of a call like `describe.skip.each(rows)('…', …)`. */
export const calledName = (node: Node | undefined): string => {
  for (let at = node; at; at = child(at, 'callee') ?? child(at, 'object') ?? child(at, 'tag')) {
    if (at.type === 'Identifier') return String(at['name']);
  }
  return '';
};

const nameOf = (node: Node, parent: Node | undefined): string => {
  const named = child(node, 'id') ?? child(parent, 'id') ?? child(parent, 'key');
  return typeof named?.['name'] === 'string' ? named['name'] : 'a function';
};

/** A suite is a folder of tests, not a function that somebody has to keep in mind. */
const isSuite = (source: Source, node: Node): boolean => {
  const parent = source.parent(node);
  return source.path.startsWith('test/') && parent?.type === 'CallExpression' && calledName(child(parent, 'callee')) === 'describe';
};

/** Suites do not count, neither as functions nor inside one (a contract: a function that makes a suite). */
export const checkFunctionSize = (source: Source): Finding[] => {
  if (isGenerated(source.path)) return [];
  const all = source.nodes(...functions);
  const linesOf = (node: Node): number => source.line(node.end) - source.line(node.start) + 1;
  const suites = all.filter((node) => isSuite(source, node));
  const outermost = suites.filter((node) => !suites.some((other) => other !== node && other.start <= node.start && node.end <= other.end));
  return all
    .filter((node) => !suites.includes(node))
    .flatMap((node) => {
      const inside = outermost.filter((suite) => node.start < suite.start && suite.end < node.end);
      const lines = linesOf(node) - inside.reduce((sum, suite) => sum + linesOf(suite), 0);
      if (lines <= functionLinesMax) return [];
      const name = nameOf(node, source.parent(node));
      return [{ path: source.path, line: source.line(node.start), rule: 'function-size', message: `${name} has ${lines} lines, at most ${functionLinesMax}` }];
    });
};

const isMethod = (member: Node): boolean =>
  member.type === 'TSMethodSignature' ||
  (member.type === 'TSPropertySignature' && child(child(member, 'typeAnnotation'), 'typeAnnotation')?.type === 'TSFunctionType');

export const checkInterfaceSize = (source: Source): Finding[] =>
  source.nodes('TSInterfaceBody', 'TSTypeLiteral').flatMap((node) => {
    const list = node[node.type === 'TSTypeLiteral' ? 'members' : 'body'];
    const methods = Array.isArray(list) ? list.filter(isMethod).length : 0;
    if (methods <= interfaceMethodsMax) return [];
    return [{ path: source.path, line: source.line(node.start), rule: 'interface-size', message: `${methods} methods, at most ${interfaceMethodsMax}` }];
  });
