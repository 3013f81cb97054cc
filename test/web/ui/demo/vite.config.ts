import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { root, webConfig } from '../../../../vite.config.ts';

/** `npx vite build -c test/web/ui/demo/vite.config.ts`: the screens over the demo engine, for looking at them. */
export default defineConfig({
  ...webConfig(),
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: {
    ...webConfig().build,
    outDir: `${root}dist/demo`,
    rolldownOptions: { ...webConfig().build?.rolldownOptions, input: ['index.html', 'hosted.html'].map((name) => fileURLToPath(new URL(name, import.meta.url))) },
  },
});
