import { child, children, stringOf, type Finding, type Source } from './source.ts';
import { calledName } from './sizes.ts';

/** Numbered rules of a specification, `- **[A1]** …`, with their lines. */
export const rulesIn = (text: string): { id: string; line: number }[] =>
  text.split('\n').flatMap((line, index) => [...line.matchAll(/\*\*\[([A-Z]+\d+)\]\*\*/g)].map(([, id = '']) => ({ id, line: index + 1 })));

/** Rules that a test file's titles name. What is skipped or still to be written proves nothing. */
export const rulesTested = (source: Source): { id: string; line: number }[] =>
  source.nodes('CallExpression').flatMap((node) => {
    const callee = child(node, 'callee');
    if (!callee || !['it', 'test', 'describe'].includes(calledName(callee))) return [];
    if (/\.(skip|todo)\b/.test(source.text.slice(callee.start, callee.end))) return [];
    const title = stringOf(children(node, 'arguments')[0]) ?? '';
    return [...title.matchAll(/\[([A-Z]{1,3}\d{1,3})\]/g)].map(([, id = '']) => ({ id, line: source.line(node.start) }));
  });

/** Every rule has a test that bears its number, and every number a rule. */
export const checkRules = (specification: { readonly path: string; readonly text: string }, tests: readonly Source[]): Finding[] => {
  const rules = rulesIn(specification.text);
  const known = new Set(rules.map(({ id }) => id));
  const tested = tests.flatMap((source) => rulesTested(source).map((rule) => ({ ...rule, path: source.path })));
  const covered = new Set(tested.map(({ id }) => id));
  return [
    ...rules.filter(({ id }, index) => rules.findIndex((other) => other.id === id) !== index).map(({ id, line }) => ({ path: specification.path, line, rule: 'rule', message: `[${id}] stands twice` })),
    ...rules.filter(({ id }) => !covered.has(id)).map(({ id, line }) => ({ path: specification.path, line, rule: 'rule', message: `no test bears [${id}]` })),
    ...tested.filter(({ id }) => !known.has(id)).map(({ id, line, path }) => ({ path, line, rule: 'rule', message: `[${id}] is not in ${specification.path}` })),
  ];
};
