import { describe, expect, it } from 'vitest';
import { parseSource } from '../../../scripts/tidy/source.ts';
import { checkWalls, roomOf } from '../../../scripts/tidy/walls.ts';

const walls = (path: string, text: string): string[] => checkWalls(parseSource(path, text)).map(({ line, message }) => `${line} ${message}`);

describe('walls', () => {
  it.each([
    ['server/domain/a.ts', "import '../ports/store.ts';"],
    ['server/domain/a.ts', "import '#protocol/ids.ts';"],
    ['server/domain/a.ts', "import './b.ts'; import 'valibot'; import 'node:fs';"],
    ['server/compose.ts', "import './transport/app.ts'; import './storage/level/store.ts';"],
    ['web/sdk/index.ts', "import '../platform/node/store.ts'; import '../platform/runtime.ts';"],
    ['web/ui/views/a.tsx', "import '../models/app.ts'; import '../components/button.tsx';"],
    ['web/ui/components/a.tsx', "import type { Face } from '../models/people.ts';"],
    ['server/commands/a.ts', "import type { Store } from '../ports/store.ts';"],
    ['test/server/a.test.ts', "import '../../server/domain/a.ts';"],
    ['scripts/a.ts', "import '../vite.config.ts'; import '../test/harness/server.ts';"],
  ])('%s may: %s', (path, text) => {
    expect(walls(path, text)).toEqual([]);
  });

  it.each([
    ['server/protocol/a.ts', "import '../ops/log.ts';", '1 protocol may not import ops (../ops/log.ts)'],
    ['server/domain/a.ts', "\nimport type { X } from '../transport/app.ts';", '2 domain may not import transport (../transport/app.ts)'],
    ['server/commands/a.ts', "import { open } from '../ports/store.ts';", '1 commands may not import ports (../ports/store.ts)'],
    ['server/transport/a.ts', "export * from '../domain/a.ts';", '1 transport may not import domain (../domain/a.ts)'],
    ['web/engine/a.ts', "const a = await import('../platform/node/a.ts');", '1 engine may not import platform/node (../platform/node/a.ts)'],
    ['web/sdk/index.ts', "import '../platform/browser/a.ts';", '1 sdk may not import platform/browser (../platform/browser/a.ts)'],
    ['web/ui/views/a.tsx', "import '../../engine/client.ts';", '1 views may not import engine (../../engine/client.ts)'],
    ['web/ui/components/a.tsx', "import { face } from '../models/people.ts';", '1 components may not import view models (../models/people.ts)'],
    ['server/domain/a.ts', "import '../../test/harness/runtime.ts';", '1 domain may not import harness (../../test/harness/runtime.ts)'],
    ['server/attic/a.ts', 'export {};', '1 the room "attic" is not on the floor plan'],
  ])('%s may not: %s', (path, text, message) => {
    expect(walls(path, text)).toEqual([message]);
  });

  it('knows the rooms', () => {
    expect(['server/main.ts', 'server/compose.ts', 'server/storage/level/a.ts', 'web/main.tsx', 'web/ui/start.tsx', 'web/platform/post.ts', 'vite.config.ts'].map(roomOf)).toEqual([
      'main',
      'compose',
      'storage',
      'client',
      'client',
      'platform',
      null,
    ]);
  });
});
