import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

/**
 * dist/server/main.js, the server, and dist/server/cli.js, the operator's commands, for Node 20: our sources with source
 * maps, packages stay in node_modules.
 */
export const buildServer = async (root: string): Promise<string> => {
  await build({
    configFile: false,
    root,
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    ssr: { external: true, target: 'node' },
    build: {
      ssr: true,
      outDir: 'dist/server',
      emptyOutDir: true,
      target: 'node20',
      sourcemap: true,
      minify: false,
      rolldownOptions: {
        input: { main: 'server/main.ts', cli: 'scripts/cli/main.ts' },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
  chmodSync(join(root, 'dist', 'server', 'cli.js'), 0o755);
  return `${Math.round(statSync(join(root, 'dist', 'server', 'main.js')).size / 1024)} KiB`;
};
