import type { Plugin } from 'vite';

const mark = '?state';
const stateReader = /\/web\/engine\/mls\/library-state\.ts$/;

/**
 * Gives the decoder of kept group states its own copy of the MLS package's modules. The start of the engine's worker
 * then has only what the decoder calls; the whole package is in the chunk that the first commit or welcome loads.
 * Shared modules would bring along every function that only the whole needs.
 */
export const mlsStateOnly = (): Plugin => ({
  name: 'lanying:mls-state-only',
  apply: 'build',
  enforce: 'pre',
  async resolveId(source, importer, options) {
    if (importer === undefined) return null;
    const marked = importer.endsWith(mark);
    if (!marked && !(stateReader.test(importer) && source.startsWith('ts-mls/'))) return null;
    const found = await this.resolve(source, marked ? importer.slice(0, -mark.length) : importer, { ...options, skipSelf: true });
    return found?.id.includes('/ts-mls/') === true ? { ...found, id: `${found.id}${mark}` } : found;
  },
});
