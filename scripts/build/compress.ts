import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const textKinds = new Set(['.css', '.html', '.js', '.json', '.mjs', '.svg', '.txt', '.wasm', '.webmanifest', '.xml']);
/** Below this a packet carries the file either way. */
const compressBytesMin = 1024;

const gzipOf = promisify(gzip);
const brotliOf = promisify(brotliCompress);

/** Writes `name.br` and `name.gz` beside every text file that becomes smaller by it. */
export const compressFolder = async (folder: string): Promise<{ files: number; bytes: number; gzipBytes: number }> => {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => textKinds.has(extname(name)));
  const sizes = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const content = readFileSync(path);
      if (content.length < compressBytesMin) return { bytes: content.length, gzipBytes: content.length };
      const small = await gzipOf(content, { level: 9 });
      const smaller = await brotliOf(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } });
      if (small.length < content.length) writeFileSync(`${path}.gz`, small);
      if (smaller.length < content.length) writeFileSync(`${path}.br`, smaller);
      return { bytes: content.length, gzipBytes: small.length };
    }),
  );
  return {
    files: names.length,
    bytes: sizes.reduce((sum, size) => sum + size.bytes, 0),
    gzipBytes: sizes.reduce((sum, size) => sum + size.gzipBytes, 0),
  };
};
