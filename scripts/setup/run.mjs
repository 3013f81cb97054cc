import { spawnSync } from 'node:child_process';

/** A step that failed, said so that a person knows what to do next. */
export class SetupError extends Error {
  /** @param {string} problem @param {string} next */
  constructor(problem, next) {
    super(`${problem}\n  → ${next}`);
    this.name = 'SetupError';
  }
}

/**
 * Runs a program with its output on ours and without stdin.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} options quiet: output is shown only on failure
 * @returns {boolean} whether it ended with 0
 */
export const run = (command, args, { cwd, env = process.env, quiet = false }) => {
  const result = spawnSync(command, args, { cwd, env, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] });
  if (result.signal === 'SIGINT') process.exit(130);
  const ok = result.status === 0;
  if (quiet && !ok) {
    process.stderr.write(`${String(result.stdout ?? '')}${String(result.stderr ?? '')}${result.error ? `${result.error.message}\n` : ''}`);
  }
  return ok;
};

/**
 * npm, the very one that runs us where there is one.
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} options
 */
export const npm = (args, options) => {
  const path = process.env['npm_execpath'];
  if (path && /npm-cli\.c?js$/.test(path)) return run(process.execPath, [path, ...args], options);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options);
};

/** @param {string} line */
export const say = (line) => process.stdout.write(`lanying: ${line}\n`);

/**
 * Runs the steps; a SetupError is printed without a stack and ends the process with 1.
 * @param {() => unknown} steps
 */
export const runOrExplain = async (steps) => {
  try {
    await steps();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`lanying: ${error.message}\n`);
    process.exitCode = 1;
  }
};
