// `npm run dev`: the client from sources on http://localhost:8080, the server restarted at every change behind it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../vite.config.ts';

const modules = join(root, 'node_modules');
const relayPort = '8081';

const start = (args: readonly string[], env: NodeJS.ProcessEnv) => spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' });

const children = [
  start([join(modules, 'tsx', 'dist', 'cli.mjs'), 'watch', '--clear-screen=false', 'server/main.ts'], { LANYING_PORT: relayPort, LANYING_ORIGIN: 'http://localhost:8080' }),
  start([join(modules, 'vite', 'bin', 'vite.js'), '--config', 'vite.config.ts'], {}),
];

const stop = (): void => children.forEach((child) => child.kill('SIGTERM'));
process.once('SIGINT', stop).once('SIGTERM', stop);
for (const child of children) child.once('exit', stop);
