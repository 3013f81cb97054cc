/**
 * The built web client, whole in memory. Requests are looked up in a map of what was there at boot, so no path can
 * leave the folder and no disk is read while serving.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';

export const staticBytesMax = 64 * 1024 * 1024;
export const staticFilesMax = 2_000;

export class StaticFilesError extends Error {
  override readonly name = 'StaticFilesError';
}

export interface StaticFile {
  readonly contentType: string;
  readonly etag: string;
  /** A name with a hash of its content never changes. */
  readonly immutable: boolean;
  readonly plain: Uint8Array;
  readonly brotli: Uint8Array | null;
  readonly gzip: Uint8Array | null;
}

/** By path, for example `/assets/main-B1x2y3z4.js`. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

const hashedName = /^\/assets\/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

/** An empty map when the folder is missing. Throws StaticFilesError beyond staticFilesMax or staticBytesMax. */
export function loadStaticFiles(folder: string): StaticFiles {
  const files = new Map<string, StaticFile>();
  if (!existsSync(folder)) return files;
  const paths = filesBelow(folder);
  const total = paths.reduce((bytes, path) => bytes + statSync(path).size, 0);
  if (paths.length > staticFilesMax || total > staticBytesMax) {
    throw new StaticFilesError(`The web client in ${folder} is larger than expected (${paths.length} files, ${total} bytes): build it again with \`npm run build\`.`);
  }
  const contents = new Map(paths.map((path) => [`/${relative(folder, path).split(sep).join('/')}`, new Uint8Array(readFileSync(path))]));
  for (const [name, plain] of contents) {
    if (/\.(?:br|gz|map)$/.test(name)) continue;
    files.set(name, {
      contentType: contentTypes[extname(name)] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
      immutable: hashedName.test(name),
      plain,
      brotli: contents.get(`${name}.br`) ?? null,
      gzip: contents.get(`${name}.gz`) ?? null,
    });
  }
  return files;
}

/** The file for a GET of `path`: itself, or index.html for a page of the client (no dot, not below /api/). */
export function findFile(files: StaticFiles, path: string): StaticFile | null {
  const exact = files.get(path);
  if (exact !== undefined) return exact;
  const page = !path.includes('.') && path !== '/api' && !path.startsWith('/api/') && !path.startsWith('/assets/');
  return page ? (files.get('/index.html') ?? null) : null;
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly encoding: 'br' | 'gzip' | null;
}

/** The smallest form that the client accepts; an encoding with q=0 is refused (RFC 9110 §12.5.3). */
export function encodedFor(file: StaticFile, acceptEncoding: string): Encoded {
  const accepted = new Set(
    acceptEncoding
      .toLowerCase()
      .split(',')
      .map((part) => part.trim().split(/\s*;\s*/))
      .filter(([, q]) => q === undefined || !/^q=0(?:\.0*)?$/.test(q))
      .map(([name]) => name),
  );
  if (file.brotli !== null && accepted.has('br')) return { bytes: file.brotli, encoding: 'br' };
  if (file.gzip !== null && accepted.has('gzip')) return { bytes: file.gzip, encoding: 'gzip' };
  return { bytes: file.plain, encoding: null };
}
