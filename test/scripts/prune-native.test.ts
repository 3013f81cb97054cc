import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { pruneNative } from '../../scripts/setup/prune-native.mjs';

it('keeps the binaries of this machine and whatever does not say whose it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanying-prune-'));
  const kept = ['uWebSockets.js/dist/bin/uws_linux_x64_115.node', 'classic-level/prebuilds/linux-x64/classic-level.node', '@node-rs/argon2-linux-x64-gnu/argon2.linux-x64-gnu.node'];
  const removed = [
    'uWebSockets.js/dist/bin/uws_linux_x64_127.node',
    'uWebSockets.js/dist/bin/uws_linux_arm64_115.node',
    'uWebSockets.js/dist/bin/uws_darwin_x64_115.node',
    'classic-level/prebuilds/linux-x64/classic-level.musl.node',
    'classic-level/prebuilds/darwin-x64+arm64/classic-level.node',
    'classic-level/prebuilds/android-arm/classic-level.armv7.node',
  ];
  try {
    for (const path of [...kept, ...removed]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), '');
    }
    expect(pruneNative(folder, { platform: 'linux', arch: 'x64', abi: '115', musl: false })).toHaveLength(removed.length);
    const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.node'));
    expect(left.sort()).toEqual([...kept].sort());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
