/** The client's copies of the contract's tables: of each command the schema of its answer, of each error its code. */
import type { Plugin } from 'vite';

const table = /\/server\/protocol\/commands\/[a-z-]+\.ts$/;
/** Rows are for the server and for OpenAPI beyond this. */
const kept = 'output';

interface Span {
  readonly start: number;
  readonly end: number;
}
type Node = Span & Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
const nodesIn = (value: unknown): readonly Node[] =>
  Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [];
const nameOf = (node: unknown): unknown => (isNode(node) ? (node['name'] ?? node['value']) : undefined);

/** Properties of the argument of every `row({…})` below, except the one that is kept. */
function unread(node: Node): readonly Node[] {
  if (node['type'] === 'CallExpression' && nameOf(node['callee']) === 'row') {
    const [row] = nodesIn(node['arguments']);
    return nodesIn(row?.['properties']).filter(({ key }) => nameOf(key) !== kept);
  }
  return Object.values(node).flatMap((value) => nodesIn(value).flatMap(unread));
}

/** Cuts nodes and the comma behind each. */
function without(code: string, cut: readonly Node[]): string {
  let at = 0;
  let left = '';
  for (const { start, end } of cut) {
    left += code.slice(at, start);
    at = end + (/^\s*,/.exec(code.slice(end))?.[0].length ?? 0);
  }
  return left + code.slice(at);
}

/** `path` and `code` of a module; what the client needs of it, or null for a module that has no rows. */
export function clientRows(path: string, code: string, parse: (code: string) => unknown): string | null {
  if (!table.test(path)) return null;
  const rows = nodesIn(parse(code)).flatMap(unread);
  return rows.length === 0 ? null : without(code, rows);
}

const errorTable = /\/server\/protocol\/errors\.ts$/;

/** The table of errors with nothing behind the codes: status and retry are for servers and for OpenAPI. */
export const clientErrors = (code: string): string => code.replaceAll(/\{\s*status: \d+,\s*retry: (?:true|false),?\s*\}/g, '0');

export const clientCommands = (): Plugin => ({
  name: 'lanying:client-commands',
  apply: 'build',
  transform: {
    filter: { id: [table, errorTable] },
    handler(code, id) {
      if (errorTable.test(id)) return { code: clientErrors(code), map: null };
      const small = clientRows(id, code, (text) => this.parse(text));
      return small === null ? null : { code: small, map: null };
    },
  },
});
