import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildDigest, digestOf } from '../../scripts/setup/digest.mjs';
import { checkNode, lockSatisfied } from '../../scripts/setup/install.mjs';

describe('Node', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('%s is new enough', (version) => expect(() => checkNode(version)).not.toThrow());
  it.each(['18.20.0', '20.18.9'])('%s is too old, and that is said with what to do', (version) => expect(() => checkNode(version)).toThrow(/too old[\s\S]*Install Node 20\.19/));
});

describe('what is installed', () => {
  const wanted = {
    '': { version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/native': { version: '1.0.0', integrity: 'sha512-n', optional: true },
  };

  it('fits with and without other platforms’ packages', () => {
    expect(lockSatisfied(wanted, wanted)).toBe(true);
    expect(lockSatisfied(wanted, { 'node_modules/a': wanted['node_modules/a'] })).toBe(true);
  });

  it('does not fit when a package is missing, older or another', () => {
    expect(lockSatisfied(wanted, {})).toBe(false);
    expect(lockSatisfied(wanted, { 'node_modules/a': { version: '0.9.0', integrity: 'sha512-a' } })).toBe(false);
    expect(lockSatisfied(wanted, { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-b' } })).toBe(false);
    expect(lockSatisfied(wanted, { ...wanted, 'node_modules/native': { version: '2.0.0' } })).toBe(false);
  });
});

describe('the digest of the sources', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lanying-digest-'));
    mkdirSync(join(root, 'server', 'domain'), { recursive: true });
    writeFileSync(join(root, 'server', 'domain', 'a.ts'), 'a');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('does not care for times and for what no build reads', () => {
    const before = buildDigest(root);
    utimesSync(join(root, 'server', 'domain', 'a.ts'), 1, 1);
    writeFileSync(join(root, 'README.md'), 'text');
    expect(buildDigest(root)).toBe(before);
  });

  it('changes with a content, a name, a new file', () => {
    const before = buildDigest(root);
    writeFileSync(join(root, 'server', 'domain', 'b.ts'), '');
    const added = buildDigest(root);
    writeFileSync(join(root, 'server', 'domain', 'b.ts'), 'b');
    expect(new Set([before, added, buildDigest(root)]).size).toBe(3);
  });

  it('does not confuse where one file ends', () => {
    writeFileSync(join(root, 'x'), 'ab');
    writeFileSync(join(root, 'y'), '');
    const before = digestOf(root, ['x', 'y']);
    writeFileSync(join(root, 'x'), 'a');
    writeFileSync(join(root, 'y'), 'b');
    expect(digestOf(root, ['x', 'y'])).not.toBe(before);
  });
});
