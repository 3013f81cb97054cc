import optimizeLocales from '@react-aria/optimize-locales-plugin';
import { lingui } from '@lingui/vite-plugin';
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig, type PluginOption, type UserConfig } from 'vite';
import { clientCommands } from './scripts/build/client-commands.ts';
import { mlsStateOnly } from './scripts/build/mls-state-only.ts';

export const root = fileURLToPath(new URL('.', import.meta.url));
export const locales = ['en-US', 'zh-CN'] as const;

/** Macros become catalogue look-ups here; tests of views need the same. */
export const uiPlugins = (strict = false): PluginOption[] => [
  react({ babel: { plugins: ['@lingui/babel-plugin-lingui-macro'] } }),
  lingui({ configPath: `${root}lingui.config.ts`, failOnMissing: strict, failOnCompileError: strict }),
  { ...optimizeLocales.vite({ locales: [...locales] }), enforce: 'pre' },
];

/**
 * Packages that do nothing but define, and do not say so: what is not used of them goes. The functions make encoders
 * out of encoders where modules are loaded (ts-mls), and nothing else.
 */
const pureLibraries = {
  moduleSideEffects: [{ test: /node_modules\/(ts-mls|cborg|tweetnacl|idb)\//, sideEffects: false }],
  manualPureFunctions: [
    'composeBufferEncoders',
    'contramapBufferEncoder',
    'contramapBufferEncoders',
    'encode',
    'encVoid',
    'enumEncoder',
    'mapDecoder',
    'mapDecoders',
    'mapDecoderOption',
    'mapDecodersOption',
    'flatMapDecoder',
    'decodeVoid',
    'varLenTypeEncoder',
    'decodeVarLenType',
    'optionalEncoder',
    'decodeOptional',
    'numberRecordEncoder',
    'decodeNumberRecord',
    'base64RecordEncoder',
    'decodeBase64Record',
    'bigintMapEncoder',
    'decodeBigintMap',
    'numberToEnum',
    'enumNumberToKey',
    'openEnumNumberToKey',
    'openEnumNumberEncoder',
    'succeedDecoder',
    'failDecoder',
    'orDecoder',
  ],
};

/** One file for all that the worker needs at once; what is imported later comes in chunks of its own. */
const engineWorker: NonNullable<UserConfig['worker']>['rolldownOptions'] = {
  treeshake: pureLibraries,
  output: {
    codeSplitting: { groups: [{ name: 'engine', test: /engine-worker\.ts$/ }] },
    comments: false,
    entryFileNames: 'assets/[name]-[hash].js',
    chunkFileNames: 'assets/[name]-[hash].js',
  },
};

/** The client. Strict CSP: nothing inline, so small assets stay files and no polyfill is written into the page. */
export const webConfig = (): UserConfig => ({
  root: `${root}web`,
  base: '/',
  plugins: uiPlugins(true),
  worker: { format: 'es', plugins: () => [clientCommands(), mlsStateOnly()], rolldownOptions: engineWorker },
  build: {
    outDir: `${root}dist/web`,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    manifest: 'asset-manifest.json',
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
});

/** The address of the relay that `npm run dev` proxies to; scripts/dev.ts sets it for both. */
const relay = 'http://127.0.0.1:8081';

export default defineConfig({
  ...webConfig(),
  server: {
    host: '127.0.0.1',
    port: 8080,
    strictPort: true,
    proxy: {
      '/api/v1': { target: relay, ws: true },
      '/healthz': relay,
      '/readyz': relay,
    },
  },
});
