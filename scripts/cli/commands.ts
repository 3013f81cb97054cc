/** Every command, in the order of the help. */
import type { Command } from './command.ts';
import { purge } from './purge.ts';
import { verifyAudit } from './verify-audit.ts';
import { version } from './version.ts';

export const commands: readonly Command[] = [purge, verifyAudit, version];
