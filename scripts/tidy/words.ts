import { child, stringOf, type Finding, type Node, type Source } from './source.ts';

const letters = /\p{L}/u;
/** Lingui's components, whose text is in the catalogues, and the names of keys. */
const translating = ['Trans', 'Plural', 'Select', 'SelectOrdinal', 'kbd'];
/** Attributes that people see or hear. */
const spoken = ['aria-label', 'aria-description', 'aria-placeholder', 'aria-roledescription', 'aria-valuetext', 'title', 'placeholder', 'alt', 'label', 'description'];

const isTranslated = (source: Source, node: Node): boolean => {
  for (let at = source.parent(node); at; at = source.parent(at)) {
    if (at.type === 'JSXElement' && translating.includes(String(child(child(at, 'openingElement'), 'name')?.['name']))) return true;
  }
  return false;
};

/** A literal or an untagged template, also as `{'…'}` and in either branch of a condition. */
const plainStrings = (node: Node | undefined): Node[] => {
  if (node?.type === 'JSXExpressionContainer') return plainStrings(child(node, 'expression'));
  if (node?.type === 'ConditionalExpression') return [...plainStrings(child(node, 'consequent')), ...plainStrings(child(node, 'alternate'))];
  if (node?.type === 'LogicalExpression') return plainStrings(child(node, 'right'));
  return node && letters.test(stringOf(node) ?? '') ? [node] : [];
};

/** Words in views and components come from the catalogues. */
export const checkVisibleText = (source: Source): Finding[] => {
  if (!/^web\/.*\.tsx$/.test(source.path)) return [];
  const found: Node[] = source.nodes('JSXText').filter((node) => letters.test(source.text.slice(node.start, node.end).replace(/&#?\w+;/g, '')));
  for (const node of source.nodes('JSXExpressionContainer')) {
    const parent = source.parent(node);
    if (parent?.type === 'JSXElement' || parent?.type === 'JSXFragment') found.push(...plainStrings(node));
  }
  for (const node of source.nodes('JSXAttribute')) {
    if (spoken.includes(String(child(node, 'name')?.['name']))) found.push(...plainStrings(child(node, 'value')));
  }
  return found
    .filter((node) => !isTranslated(source, node))
    .map((node) => ({
      path: source.path,
      line: source.line(node.start),
      rule: 'visible-text',
      message: `not in the catalogues: ${source.text.slice(node.start, node.end).trim().replace(/\s+/g, ' ').slice(0, 60)}`,
    }));
};

export interface Catalogue {
  readonly path: string;
  /** Message id (with its context, if any) → line and translation. */
  readonly entries: ReadonlyMap<string, { readonly line: number; readonly text: string }>;
}

/** Reads gettext PO as Lingui writes it: no plural forms (ICU has them inside), obsolete entries (`#~`) left out. */
export const parseCatalogue = (path: string, text: string): Catalogue => {
  const entries = new Map<string, { line: number; text: string }>();
  let entry = { line: 1, msgctxt: '', msgid: '', msgstr: '' };
  let field: 'msgctxt' | 'msgid' | 'msgstr' | null = null;
  const keep = (): void => {
    if (entry.msgid !== '') entries.set(entry.msgctxt === '' ? entry.msgid : `${entry.msgctxt}\u0004${entry.msgid}`, { line: entry.line, text: entry.msgstr });
    entry = { line: 1, msgctxt: '', msgid: '', msgstr: '' };
    field = null;
  };
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const [, keyword, quoted] = /^(msgctxt|msgid|msgstr)?\s*(".*")$/.exec(line) ?? [];
    if (quoted === undefined) {
      if (line === '') keep();
      continue;
    }
    if (keyword === 'msgctxt' || keyword === 'msgid' || keyword === 'msgstr') field = keyword;
    if (keyword === 'msgid') entry.line = index + 1;
    if (field) entry[field] += String(JSON.parse(quoted.replace(/\t/g, '\\t')));
  }
  keep();
  return { path, entries };
};

/** All catalogues have the same messages, and every one of them says something. */
export const checkCatalogues = (catalogues: readonly Catalogue[]): Finding[] =>
  catalogues.flatMap((catalogue) => {
    const empty = [...catalogue.entries].filter(([, { text }]) => text.trim() === '');
    const wanted = new Set(catalogues.flatMap((other) => [...other.entries.keys()]));
    return [
      ...empty.map(([id, { line }]) => ({ path: catalogue.path, line, rule: 'catalogue', message: `"${id}" is not translated` })),
      ...[...wanted].filter((id) => !catalogue.entries.has(id)).map((id) => ({ path: catalogue.path, line: 1, rule: 'catalogue', message: `"${id}" is missing` })),
    ];
  });
