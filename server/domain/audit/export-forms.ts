/**
 * Lines of an export. CSV by RFC 4180, every cell quoted; a cell that a spreadsheet could take for a formula (OWASP, CSV
 * injection: it begins with = + - @, tab, carriage return, or their full-width forms) gets an apostrophe in front.
 */
import type { AuditEntry } from '#protocol/audit.ts';

const formula = /^[=+\-@\t\r\n＝＋－＠]/u;

export const csvCell = (text: string): string => `"${(formula.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
const line = (cells: readonly string[]): string => `${cells.map(csvCell).join(',')}\r\n`;

const columns = [
  'index',
  'time',
  'act',
  'actor',
  'objectKind',
  'object',
  'reason',
  'before',
  'after',
  'requestId',
  'personal',
];
/** With a byte order mark, so that spreadsheets read UTF-8. */
export const csvHeader = `\uFEFF${line(columns)}`;

const actorOf = ({ actor }: AuditEntry): string => {
  if (actor.kind === 'person') return actor.userId;
  return actor.kind === 'system' ? `system:${actor.name}` : actor.kind;
};
const json = (value: unknown): string => (value === null ? '' : JSON.stringify(value));

export const csvLine = (entry: AuditEntry): string =>
  line([
    String(entry.index),
    new Date(entry.time).toISOString(),
    entry.act,
    actorOf(entry),
    entry.object?.kind ?? '',
    entry.object?.id ?? '',
    entry.reason ?? '',
    json(entry.before),
    json(entry.after),
    entry.requestId,
    json(entry.personal),
  ]);

export const jsonLine = (entry: AuditEntry): string =>
  `${JSON.stringify({ ...entry, time: new Date(entry.time).toISOString() })}\n`;
