import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressFolder } from '../../scripts/build/compress.ts';
import { declarationsFrom } from '../../scripts/build/declarations.ts';
import { inlineParts } from '../../scripts/build/page.ts';

describe('the page', () => {
  it('has nothing inline', () => {
    expect(inlineParts('<html><head><script type="module" src="/a.js"></script><link rel="stylesheet" href="/a.css"></head><body><div id="root"></div></body></html>')).toEqual([]);
  });

  it.each([
    '<script>go()</script>',
    '<script type="module">import "/a.js"</script>',
    '<style>a{}</style>',
    '<div style="color:red">',
    '<body onload="go()">',
    '<a href="javascript:go()">',
    '<link rel="icon" href="data:image/svg+xml,x">',
  ])('shows %s', (part) => {
    expect(inlineParts(`<html><body>${part}</body></html>`)).toHaveLength(1);
  });
});

describe('compression', () => {
  it('writes .br and .gz beside texts that shrink, and nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanying-compress-'));
    try {
      const text = 'const a = 1;\n'.repeat(200);
      writeFileSync(join(folder, 'a.js'), text);
      writeFileSync(join(folder, 'short.js'), 'a');
      writeFileSync(join(folder, 'a.png'), text);
      const { files, gzipBytes } = await compressFolder(folder);
      expect(readdirSync(folder).sort()).toEqual(['a.js', 'a.js.br', 'a.js.gz', 'a.png', 'short.js']);
      expect(gunzipSync(readFileSync(join(folder, 'a.js.gz'))).toString()).toBe(text);
      expect(brotliDecompressSync(readFileSync(join(folder, 'a.js.br'))).toString()).toBe(text);
      expect(files).toBe(2);
      expect(gzipBytes).toBe(readFileSync(join(folder, 'a.js.gz')).length + 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('declarations', () => {
  it('come with all that they refer to, by paths that a consumer can follow', () => {
    const emitted: Record<string, string> = {
      'web/sdk/index.d.ts': "import type { Engine } from '../engine/api.ts';\nexport type { UserId } from '#protocol/ids.ts';\nexport type M = import('valibot').InferOutput<never>;\nexport type { Engine };\n",
      'web/engine/api.d.ts': "export interface Engine {\n  id: import(\"../../server/protocol/ids.ts\").UserId;\n}\nexport * from './api.ts';\n",
      'server/protocol/ids.d.ts': 'export type UserId = string;\n',
      'server/protocol/unused.d.ts': '',
    };
    const files = declarationsFrom('web/sdk/index.d.ts', (path) => emitted[path] ?? '');
    expect(Object.fromEntries(files)).toEqual({
      'index.d.ts':
        "import type { Engine } from './types/web/engine/api.js';\nexport type { UserId } from './types/server/protocol/ids.js';\nexport type M = import('valibot').InferOutput<never>;\nexport type { Engine };\n",
      'types/web/engine/api.d.ts': "export interface Engine {\n  id: import('../../server/protocol/ids.js').UserId;\n}\nexport * from './api.js';\n",
      'types/server/protocol/ids.d.ts': 'export type UserId = string;\n',
    });
  });
});
