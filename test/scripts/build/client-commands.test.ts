import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vite';
import { describe, expect, it } from 'vitest';
import { commands } from '#protocol/commands/index.ts';
import { errors } from '#protocol/errors.ts';
import { clientErrors, clientRows } from '../../../scripts/build/client-commands.ts';
import { root } from '../../../vite.config.ts';

const parse = (code: string): unknown => parseAst(code, { lang: 'ts' });

describe("the client's copy of the command table", () => {
  it('keeps the answer of a row and nothing else', () => {
    const code =
      "const t = {\n  'a.b': row({\n    summary: 'One, with \\'commas\\'.',\n    input: v.strictObject({ output: Id }),\n    output: v.strictObject({ input: Id }),\n    errors: ['x'],\n    who: 'anyone',\n  }),\n};";
    const small = clientRows('/x/server/protocol/commands/people.ts', code, parse);
    expect(small?.replaceAll(/\s+/g, '')).toBe("constt={'a.b':row({output:v.strictObject({input:Id}),}),};");
  });

  it('leaves modules alone that are not the table', () => {
    expect(clientRows('/x/server/protocol/model.ts', 'row({ summary: 1 })', parse)).toBe(null);
    expect(clientRows('/x/server/protocol/commands/index.ts', 'export const a = 1;', parse)).toBe(null);
  });

  it('leaves every command of the real table with its answer', () => {
    const folder = join(root, 'server/protocol/commands');
    const whole = readdirSync(folder)
      .map((name) => clientRows(join(folder, name), readFileSync(join(folder, name), 'utf8'), parse) ?? '')
      .join('\n');
    expect(whole.match(/\boutput:/g)?.length).toBeGreaterThanOrEqual(Object.keys(commands).length);
    for (const name of Object.keys(commands)) expect(whole).toContain(`'${name}': row(`);
    // Constants that rows are made of may stand beside them: nothing uses them any more, so the bundler drops them.
    expect(whole).not.toMatch(/\b(summary|errors):/);
    expect([...whole.matchAll(/: row\(\{\s*(\.{3}|\w+)/g)].map((found) => found[1]).filter((first) => first !== 'output')).toEqual([]);
    expect(whole).not.toMatch(/^ {4}(?:\.{3}|(?:input|who|resource|audited|stepUp|beforehand|httpOnly)\b)/m);
  });
});

it("the client's copy of the errors has every code, and nothing behind it", () => {
  const small = clientErrors(readFileSync(join(root, 'server/protocol/errors.ts'), 'utf8'));
  expect([...small.matchAll(/^ {2}'([\w.]+)': 0,$/gm)].map((found) => found[1])).toEqual(Object.keys(errors));
  expect(small).not.toMatch(/status: \d/);
});
