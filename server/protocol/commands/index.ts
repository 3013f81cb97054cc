/**
 * The table of commands: one row each, from which types, validation, error codes, the permission's action name and
 * the OpenAPI document come. Reached as a socket frame or as `POST /api/v1/<name>`.
 */
import type * as v from 'valibot';
import type { ActName } from '../audit.ts';
import type { ErrorCode } from '../errors.ts';
import { accountCommands } from './accounts.ts';
import { anewCommands } from './anew.ts';
import { approvalCommands } from './approval.ts';
import { auditCommands } from './audit.ts';
import { credentialCommands } from './credentials.ts';
import { conversationCommands } from './conversations.ts';
import { deviceCommands } from './devices.ts';
import { directoryCommands } from './directory.ts';
import { peopleCommands } from './people.ts';
import { policyCommands } from './policy.ts';
import { retentionCommands } from './retention.ts';
import { sessionCommands } from './sessions.ts';

export type { Caller, ResourceKind, Row } from './row.ts';

export const commands = {
  ...accountCommands, ...peopleCommands, ...conversationCommands, ...auditCommands, ...directoryCommands, ...retentionCommands, ...sessionCommands,
  ...deviceCommands, ...credentialCommands, ...approvalCommands, ...anewCommands, ...policyCommands,
};

export type Commands = typeof commands;
export type CommandName = keyof Commands;
export type Input<N extends CommandName> = v.InferOutput<Commands[N]['input']>;
export type Output<N extends CommandName> = v.InferOutput<Commands[N]['output']>;

/** What the row says that it records; `never` for the others. */
export type ActOf<N extends CommandName> = Extract<Commands[N]['audited'], readonly ActName[]>[number];

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commands, name);

/** Refusals that any command can give. */
export const commonErrors = [
  'input.malformed', 'input.invalid', 'input.too_large', 'input.content_type', 'command.unknown', 'command.http_only',
  'command.too_many_in_flight', 'origin.refused', 'session.required', 'device.required', 'permission.denied', 'rate.limited',
  'step_up.required', 'session.restricted',
  'server.unavailable', 'server.internal',
] as const satisfies readonly ErrorCode[];
