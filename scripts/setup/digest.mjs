import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What a build reads. Contents are hashed, not times: a fresh clone or a `touch` costs no build. */
const buildInputs = [
  'server',
  'web',
  'patches',
  'scripts/build',
  'scripts/cli',
  'scripts/build.ts',
  'scripts/setup',
  'vite.config.ts',
  'lingui.config.ts',
  'tsconfig.json',
  'tsconfig.sdk.json',
  'package.json',
  'package-lock.json',
];

/**
 * @param {string} path
 * @returns {string[]} the files at or below the path, in a stable order; none if it does not exist
 */
const filesBelow = (path) => {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)]));
};

/**
 * SHA-256 over names and contents of the given files and folders (hex).
 * @param {string} root
 * @param {readonly string[]} paths relative to the root
 */
export const digestOf = (root, paths) => {
  const hash = createHash('sha256');
  for (const file of paths.flatMap((path) => filesBelow(join(root, path)))) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
};

/** @param {string} root */
export const buildDigest = (root) => digestOf(root, buildInputs);

/** @param {string} root */
export const buildStampPath = (root) => join(root, 'dist', '.stamp');

/**
 * @param {string} path
 * @returns {string | null}
 */
export const readStamp = (path) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : null);
