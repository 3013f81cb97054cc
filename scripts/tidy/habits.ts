import { posix } from 'node:path';
import { child, children, type Finding, type Node, type Source } from './source.ts';

const forbiddenNames = ['util', 'utils', 'helper', 'helpers', 'manager', 'misc'];

/** kebab-case nouns; a folder or a file called after nothing in particular collects everything. */
export const checkFileName = (path: string): Finding[] => {
  const parts = path.split('/');
  const words = parts.flatMap((part) => part.replace(/(\.[a-z]+)+$/, '').split('-'));
  const vague = words.find((word) => forbiddenNames.includes(word.toLowerCase()));
  if (vague) return [{ path, line: 1, rule: 'file-name', message: `"${vague}" says nothing about what is inside` }];
  const stem = posix.basename(path).replace(/(\.[a-z0-9]+)+$/, '');
  if (/\.(ts|tsx|mjs|css)$/.test(path) && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) {
    return [{ path, line: 1, rule: 'file-name', message: 'names are kebab-case' }];
  }
  return [];
};

const unfinished = /\b(TODO|FIXME|XXX|HACK)\b/;

/** For texts that are not parsed (styles). */
export const checkUnfinishedText = (path: string, text: string): Finding[] =>
  text.split('\n').flatMap((line, index) => (unfinished.test(line) ? [{ path, line: index + 1, rule: 'unfinished', message: line.trim().slice(0, 80) }] : []));

export const checkUnfinished = (source: Source): Finding[] =>
  source.comments
    .filter(({ value }) => unfinished.test(value))
    .map(({ value, start }) => ({ path: source.path, line: source.line(start), rule: 'unfinished', message: value.trim().slice(0, 80) }));

export const checkAny = (source: Source): Finding[] =>
  source.nodes('TSAnyKeyword').map((node) => ({ path: source.path, line: source.line(node.start), rule: 'any', message: 'say what it is, or unknown and parse it' }));

const isEmptyBlock = (node: Node | undefined): boolean => node?.type === 'BlockStatement' && children(node, 'body').length === 0;

/** `catch {}` and `.catch(() => {})`, with or without an excuse in a comment. */
export const checkEmptyCatch = (source: Source): Finding[] => {
  const clauses = source.nodes('CatchClause').filter((node) => isEmptyBlock(child(node, 'body')));
  const calls = source.nodes('CallExpression').filter((node) => {
    const property = child(child(node, 'callee'), 'property');
    const [handler] = children(node, 'arguments');
    return property?.['name'] === 'catch' && isEmptyBlock(child(handler, 'body'));
  });
  return [...clauses, ...calls].map((node) => ({ path: source.path, line: source.line(node.start), rule: 'empty-catch', message: 'handle it, return it, or let it go up' }));
};

/** Configuration files, and declarations of what others export. */
const mayExportDefault = /\.(config|d)\.ts$/;

export const checkDefaultExport = (source: Source): Finding[] => {
  if (mayExportDefault.test(source.path)) return [];
  const declared = source.nodes('ExportDefaultDeclaration');
  const renamed = source.nodes('ExportSpecifier').filter((node) => child(node, 'exported')?.['name'] === 'default');
  return [...declared, ...renamed].map((node) => ({ path: source.path, line: source.line(node.start), rule: 'default-export', message: 'exports have names' }));
};
