import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, readStamp } from './digest.mjs';
import { SetupError, npm, run, say } from './run.mjs';

const nodeOldest = [20, 19];

/** @param {string} version `process.versions.node` */
export const checkNode = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = nodeOldest;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(`Node ${version} is too old for lanying.`, `Install Node ${nodeOldest.join('.')} or newer (20 or 22 LTS), then run this again.`);
};

/**
 * @typedef {{ version?: string, integrity?: string, resolved?: string, optional?: boolean, devOptional?: boolean }} Locked
 * @typedef {{ packages?: Record<string, Locked> }} Lockfile
 */

/** @param {string} path @returns {Record<string, Locked>} */
const lockedPackages = (path) => /** @type {Lockfile} */ (JSON.parse(readFileSync(path, 'utf8'))).packages ?? {};

/**
 * Whether what npm wrote down in node_modules is what package-lock.json asks for. Optional packages may be missing
 * (they are other platforms' binaries).
 * @param {Record<string, Locked>} wanted
 * @param {Record<string, Locked>} installed
 */
export const lockSatisfied = (wanted, installed) =>
  Object.entries(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === '') return true;
    const found = installed[path];
    if (!found) return optional === true || devOptional === true;
    return found.version === version && found.integrity === integrity;
  });

/**
 * Installs what is missing: nothing when the stamp fits, only the patches when only they changed, else `npm ci`.
 * @param {string} root
 */
export const ensureInstalled = (root) => {
  const modules = join(root, 'node_modules');
  const stampPath = join(modules, '.lanying-stamp');
  const stamp = `${process.platform}-${process.arch} ${digestOf(root, ['package-lock.json', 'patches'])}`;
  if (readStamp(stampPath) === stamp) return;

  const written = join(modules, '.package-lock.json');
  const fits = existsSync(written) && lockSatisfied(lockedPackages(join(root, 'package-lock.json')), lockedPackages(written));
  const patched = fits && run(process.execPath, [join(modules, 'patch-package', 'index.js'), '--error-on-fail'], { cwd: root, quiet: true });
  if (!patched) {
    say('installing packages (npm ci) …');
    const installed = npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root });
    if (!installed) {
      throw new SetupError('The packages could not be installed (npm says why above).', 'Check that the npm registry can be reached and the disk has 1 GB free, then run this again.');
    }
  }
  writeFileSync(stampPath, `${stamp}\n`);
};
