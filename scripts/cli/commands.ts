/** Every command, in the order of the help. */
import { backup, backupKey } from './backup.ts';
import type { Command } from './command.ts';
import { doctor } from './doctor.ts';
import { purge } from './purge.ts';
import { restore } from './restore.ts';
import { verify } from './verify.ts';
import { verifyAudit, verifyDirectory } from './verify-log.ts';
import { version } from './version.ts';

export const commands: readonly Command[] = [doctor, backup, backupKey, restore, purge, verify, verifyAudit, verifyDirectory, version];
