import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engineBudgetKib, engineKib, loadedWith } from '../../../scripts/build/budget.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-budget-'));
  mkdirSync(join(folder, 'assets'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, code: string): void => writeFileSync(join(folder, 'assets', name), code);
/** Text that hardly compresses. */
const noise = (kib: number): string => `/*${randomBytes(kib * 1_024).toString('base64')}*/`;

describe('the budget of the engine', () => {
  it('counts the worker and what it imports before it runs, each once, and nothing that comes later', () => {
    const files: Record<string, string> = {
      '/a/worker.js': 'import{a as b}from"./one.js";import"./two.js";const later=()=>import("./late.js");',
      '/a/one.js': 'import{c}from`./two.js`;export{c};',
      '/a/two.js': "export*from'./three.js'",
      '/a/three.js': 'export const c=1',
    };
    const read = (path: string): string => files[path] ?? `no ${path}`;
    expect(loadedWith('/a/worker.js', read).toSorted()).toEqual(Object.keys(files).toSorted());
  });

  it('passes a worker within it and fails one that is beyond it by what it imports', () => {
    put('engine-worker-abc.js', `import"./shared-1.js";${noise(20)}`);
    put('shared-1.js', noise(20));
    put('late-1.js', noise(90));
    expect(engineKib(folder)).toBeGreaterThan(20);
    expect(engineKib(folder)).toBeLessThan(engineBudgetKib);
    put('shared-1.js', noise(90));
    expect(() => engineKib(folder)).toThrow(/budget is 60/);
  });

  it('fails where there is no worker to weigh', () => {
    expect(() => engineKib(folder)).toThrow(/expected one engine worker/);
  });
});
