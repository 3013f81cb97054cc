import { statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

/** dist/server/main.js for Node 20: our sources in one file with a source map, packages stay in node_modules. */
export const buildServer = async (root: string): Promise<string> => {
  await build({
    configFile: false,
    root,
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    ssr: { external: true, target: 'node' },
    build: {
      ssr: 'server/main.ts',
      outDir: 'dist/server',
      emptyOutDir: true,
      target: 'node20',
      sourcemap: true,
      minify: false,
      rolldownOptions: { output: { format: 'es', entryFileNames: 'main.js', chunkFileNames: '[name]-[hash].js' } },
    },
  });
  return `${Math.round(statSync(join(root, 'dist', 'server', 'main.js')).size / 1024)} KiB`;
};
