import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'vite';
import { declarationsFrom } from './declarations.ts';

/** Native or with native parts: installed beside us, never bundled. */
const externals = ['level', 'classic-level', 'ws'];

/** dist/sdk: index.js for Node with the patched MLS library inside, index.d.ts with all that it refers to. */
export const buildSdk = async (root: string): Promise<string> => {
  const folder = join(root, 'dist', 'sdk');
  await build({
    configFile: false,
    root,
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    ssr: { noExternal: true, external: externals, target: 'node' },
    build: {
      ssr: 'web/sdk/index.ts',
      outDir: 'dist/sdk',
      emptyOutDir: true,
      target: 'node20',
      sourcemap: true,
      minify: false,
      rolldownOptions: { output: { format: 'es', entryFileNames: 'index.js', chunkFileNames: '[name]-[hash].js' } },
    },
  });

  const emitted = join(root, 'dist', '.sdk-types');
  rmSync(emitted, { recursive: true, force: true });
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const result = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.sdk.json')], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`The SDK's declarations could not be written:\n${result.stdout}${result.stderr}`);
  const files = declarationsFrom('web/sdk/index.d.ts', (path) => readFileSync(join(emitted, path), 'utf8'));
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  rmSync(emitted, { recursive: true, force: true });
  return `${Math.round(statSync(join(folder, 'index.js')).size / 1024)} KiB, ${files.size} declaration files`;
};
