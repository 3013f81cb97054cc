import { child, children, stringOf, type Finding, type Node, type Source } from './source.ts';
import type { Catalogue } from './words.ts';

/** What a template may become (`error.${code}` → /^error\..+$/); null when it is no dotted id. */
const patternOf = (node: Node): RegExp | null => {
  const fixed = children(node, 'quasis').map((quasi) => stringOf({ type: 'TemplateLiteral', start: 0, end: 0, quasis: [quasi] }) ?? '');
  if (!fixed.some((part) => part.includes('.')) || !fixed.every((part) => /^[\w.-]*$/.test(part))) return null;
  return new RegExp(`^${fixed.map((part) => part.replaceAll('.', '\\.')).join('.+')}$`);
};

/**
 * Explicit message ids: what the client asks for by `t('…')` is in the catalogue, and what is in the catalogue is
 * named somewhere in the client, as a whole or by a template.
 */
export const checkMessages = (sources: readonly Source[], catalogue: Catalogue): Finding[] => {
  const named = new Set<string>();
  const patterns: RegExp[] = [];
  const findings: Finding[] = [];
  for (const source of sources.filter(({ path }) => path.startsWith('web/'))) {
    for (const node of source.nodes('Literal')) {
      const text = stringOf(node);
      if (text !== null) named.add(text);
    }
    for (const node of source.nodes('TemplateLiteral')) {
      const pattern = patternOf(node);
      if (pattern !== null) patterns.push(pattern);
    }
    for (const node of source.nodes('CallExpression')) {
      const callee = child(node, 'callee');
      const name = callee?.type === 'MemberExpression' ? child(callee, 'property')?.['name'] : callee?.['name'];
      const [first] = children(node, 'arguments');
      const id = first?.type === 'Literal' ? stringOf(first) : null;
      if (name !== 't' || id === null || catalogue.entries.has(id)) continue;
      findings.push({ path: source.path, line: source.line(node.start), rule: 'message', message: `"${id}" is not in ${catalogue.path}` });
    }
  }
  for (const [id, { line }] of catalogue.entries) {
    if (named.has(id) || patterns.some((pattern) => pattern.test(id))) continue;
    findings.push({ path: catalogue.path, line, rule: 'message', message: `nothing shows "${id}"` });
  }
  return findings;
};
