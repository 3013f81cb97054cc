import { parseSync } from 'vite';

export interface Finding {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** A node of the syntax tree (ESTree with TypeScript and JSX), as far as the checks look at it. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Source {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly comments: readonly { readonly value: string; readonly start: number }[];
  readonly nodes: (...types: readonly string[]) => readonly Node[];
  readonly parent: (node: Node) => Node | undefined;
  readonly line: (offset: number) => number;
}

export interface Import {
  readonly specifier: string;
  /** Where the quoted specifier stands in the text. */
  readonly start: number;
  readonly end: number;
  readonly typeOnly: boolean;
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/** A field that holds one node. */
export const child = (node: Node | undefined, field: string): Node | undefined => {
  const value = node?.[field];
  return isNode(value) ? value : undefined;
};

/** A field that holds a list of nodes. */
export const children = (node: Node | undefined, field: string): readonly Node[] => {
  const value = node?.[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
};

/** The text of a string literal or of a template, with its gaps left out; null for everything else. */
export const stringOf = (node: Node | undefined): string | null => {
  if (node?.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : null;
  if (node?.type !== 'TemplateLiteral') return null;
  return children(node, 'quasis')
    .map((quasi) => {
      const value = quasi['value'];
      return typeof value === 'object' && value !== null && 'raw' in value ? String(value.raw) : '';
    })
    .join(' ');
};

const lineIndex = (text: string): ((offset: number) => number) => {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
};

const languageOf = (path: string): 'js' | 'ts' | 'tsx' | 'dts' =>
  path.endsWith('.d.ts') ? 'dts' : path.endsWith('.tsx') ? 'tsx' : path.endsWith('.ts') ? 'ts' : 'js';

/** Parses once; throws with path and reason when the text is not the language that its name says. */
export const parseSource = (path: string, text: string): Source => {
  const parsed = parseSync(path, text, { lang: languageOf(path), sourceType: 'module', preserveParens: false });
  const broken = parsed.errors.find((error) => error.severity === 'Error');
  if (broken) throw new SyntaxError(`${path}: ${broken.message}`);
  const byType = new Map<string, Node[]>();
  const parents = new Map<Node, Node>();
  const collect = (node: Node, parent: Node | undefined): void => {
    if (parent) parents.set(node, parent);
    const same = byType.get(node.type);
    if (same) same.push(node);
    else byType.set(node.type, [node]);
    for (const field in node) {
      const value = node[field];
      if (typeof value !== 'object' || value === null) continue;
      if (isNode(value)) collect(value, node);
      else if (Array.isArray(value)) for (const item of value) if (isNode(item)) collect(item, node);
    }
  };
  const program: unknown = parsed.program;
  if (isNode(program)) collect(program, undefined);
  return {
    path,
    text,
    comments: parsed.comments,
    nodes: (...types) => types.flatMap((type) => byType.get(type) ?? []),
    parent: (node) => parents.get(node),
    line: lineIndex(text),
  };
};

/** `new URL('./x.ts', import.meta.url)`: how workers and files are named. */
const fromHere = (node: Node): Node | undefined => {
  const callee = child(node, 'callee');
  const [first, second] = children(node, 'arguments');
  if (callee?.['name'] !== 'URL' || second?.type !== 'MemberExpression') return undefined;
  return child(second, 'object')?.type === 'MetaProperty' ? first : undefined;
};

/** Every module that a source names: imports, re-exports, `import()` (value and type) and URLs relative to itself. */
export const importsOf = (source: Source): Import[] => {
  const found: Import[] = [];
  const add = (node: Node | undefined, typeOnly: boolean): void => {
    const specifier = node?.type === 'Literal' ? stringOf(node) : null;
    if (node && specifier !== null) found.push({ specifier, start: node.start, end: node.end, typeOnly });
  };
  for (const node of source.nodes('ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration')) {
    const names = children(node, 'specifiers');
    const kind = (item: Node): boolean => item['importKind'] === 'type' || item['exportKind'] === 'type';
    add(child(node, 'source'), kind(node) || (names.length > 0 && names.every(kind)));
  }
  for (const node of source.nodes('ImportExpression')) add(child(node, 'source'), false);
  for (const node of source.nodes('TSImportType')) {
    const argument = child(node, 'source') ?? child(node, 'argument');
    add(argument?.type === 'TSLiteralType' ? child(argument, 'literal') : argument, true);
  }
  for (const node of source.nodes('NewExpression')) add(fromHere(node), false);
  return found.sort((a, b) => a.start - b.start);
};
