import { existsSync } from 'node:fs';
import { run, say } from './run.mjs';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** @returns {string | null} a browser for the browser tests */
export const findChromium = () => places.find((path) => existsSync(path)) ?? null;

/**
 * On Debian as root installs Chromium where there is none. Elsewhere it says how to; the browser tests then fail by name.
 * @param {string} root
 */
export const ensureChromium = (root) => {
  if (findChromium()) return;
  if (existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    say('installing Chromium and age (apt-get) …');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { cwd: root, env, quiet: true };
    if (run('apt-get', ['update'], options) && run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-noto-cjk', 'age'], options)) return;
  }
  say(`the browser tests need Chromium at one of: ${places.join(', ')}`);
};
