// Removes native binaries of other platforms and Node versions (about 130 MB) from the node_modules of an image:
// `node scripts/setup/prune-native.mjs node_modules`.
import { readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {{ platform: string, arch: string, abi: string, musl: boolean }} Machine */

/**
 * Whether a native file is for this machine. Files whose place says nothing about a platform stay.
 * @param {string} path below node_modules, with `/`
 * @param {Machine} machine
 */
export const isForMachine = (path, { platform, arch, abi, musl }) => {
  const uws = /(?:^|\/)uws_([a-z0-9]+)_([a-z0-9]+)_(\d+)\.node$/.exec(path);
  if (uws) return uws[1] === platform && uws[2] === arch && uws[3] === abi;
  // npm before 10 installs the packages of both C libraries.
  const libc = /\.linux-[a-z0-9]+-(gnu|musl)\.node$/.exec(path);
  if (libc) return (libc[1] === 'musl') === musl;
  const prebuild = /\/prebuilds\/([a-z0-9]+)-([a-z0-9+]+)\/[^/]+\.node$/.exec(path);
  if (!prebuild) return true;
  const archs = (prebuild[2] ?? '').split('+');
  return prebuild[1] === platform && archs.includes(arch) && (platform !== 'linux' || path.includes('.musl.') === musl);
};

/**
 * @param {string} folder
 * @param {Machine} machine
 * @returns {string[]} what was removed
 */
export const pruneNative = (folder, machine) => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.node'))
    .map((entry) => join(entry.parentPath, entry.name));
  const others = files.filter((file) => !isForMachine(`/${relative(folder, file).replaceAll('\\', '/')}`, machine));
  for (const file of others) rmSync(file);
  return others;
};

const [, script, folder] = process.argv;
if (script && import.meta.url === pathToFileURL(script).href) {
  if (!folder) throw new Error('say which node_modules to prune');
  const { header } = /** @type {{ header: Record<string, unknown> }} */ (process.report.getReport());
  const removed = pruneNative(folder, { platform: process.platform, arch: process.arch, abi: process.versions.modules ?? '', musl: !header['glibcVersionRuntime'] });
  process.stdout.write(`removed ${removed.length} binaries of other platforms\n`);
}
