/** A scribe for tests that call services without the router. */
import { systemScribe } from '../../server/domain/audit/scribe.ts';
import type { Runtime } from '../../server/ports/runtime.ts';

export const testScribe = (runtime: Pick<Runtime, 'now'>) => systemScribe('test', runtime);
