/** The sole reader of process.env. Every problem is found before anything is touched, and all are told at once. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { validate as validateCron } from 'node-cron';
import * as v from 'valibot';
import { type Config, ConfigError } from './config.ts';
import { isVariable, type Variable, variables } from './variables.ts';

export interface Environment {
  readonly config: Config;
  /** Null: made on first start inside the data folder. */
  readonly masterKeyFile: string | null;
  /** Null: a random one for each start. */
  readonly setupToken: string | null;
}

type Raw = Readonly<Record<string, string | undefined>>;

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);
const defaultPort = 8080;
const LogLevel = v.picklist(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

type Reading<T> = { readonly value: T } | { readonly problem: string };

function readOrigin(text: string): Reading<URL> {
  const problem = (why: string) => ({ problem: `LANYING_ORIGIN ${why}; it may be https://host[:port], or http://localhost[:port].` });
  if (!URL.canParse(text)) return problem('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return problem('is neither https nor http');
  if (url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return problem('must be scheme, host and port alone');
  }
  if (url.protocol === 'http:' && !loopbackHosts.has(url.hostname)) {
    return problem(
      'is plain http on a name that is not this machine, where browsers offer neither passkeys nor encryption (WebAuthn and WebCrypto need a secure context)',
    );
  }
  return { value: url };
}

function readBind(text: string): Reading<string> {
  if (isIP(text) !== 0 || text === 'localhost') return { value: text };
  return { problem: 'LANYING_BIND must be an IP address, for example 127.0.0.1, 0.0.0.0 or ::.' };
}

function readPort(text: string): Reading<number> {
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return { value: port };
  return { problem: 'LANYING_PORT must be a whole number from 1 to 65535.' };
}

function readPath(name: Variable, text: string): Reading<string> {
  if (text.length > 0 && !text.includes('\0')) return { value: resolve(text) };
  return { problem: `${name} must be a path.` };
}

function readWebhook(text: string): Reading<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const fits = url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '';
  if (fits && url.hash === '') return { value: url.href };
  return { problem: 'LANYING_AUDIT_HEAD_WEBHOOK must be an https:// or http:// address without a name and password in it.' };
}

function readSetupToken(text: string): Reading<string> {
  if (/^[A-Za-z0-9_-]{16,128}$/.test(text)) return { value: text };
  return { problem: 'LANYING_SETUP_TOKEN must have 16 to 128 letters, digits, "-" or "_".' };
}

const sizeUnits = { M: 1024 ** 2, G: 1024 ** 3 } as const;
const sizeBytesMax = 64 * 1024 ** 4;

function readSize(name: Variable, text: string, bytesMax: number): Reading<number> {
  const match = /^([1-9][0-9]{0,9})([MG])$/.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * (match[2] === 'M' ? sizeUnits.M : sizeUnits.G);
  if (bytes > 0 && bytes <= bytesMax) return { value: bytes };
  return { problem: `${name} must be a number with M or G, for example 500M or 20G, at most ${bytesMax / sizeUnits.G}G.` };
}

function readSends(text: string): Reading<number> {
  const sends = /^[1-9][0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (sends >= 10 && sends <= 1_000_000) return { value: sends };
  return { problem: 'LANYING_SENDS_PERSON_MAX must be a whole number from 10 to 1000000.' };
}

function readRecipients(text: string): Reading<readonly string[]> {
  const recipients = text.split(',').map((one) => one.trim());
  if (recipients.every((one) => /^age1[a-z0-9]{58,2000}$/.test(one)) && recipients.length <= 16) return { value: recipients };
  return { problem: 'LANYING_BACKUP_RECIPIENTS must be age recipients (age1…), at most 16, with commas between them.' };
}

function readSchedule(text: string): Reading<string> {
  if (text.split(/\s+/).length === 5 && validateCron(text)) return { value: text };
  return { problem: 'LANYING_BACKUP_SCHEDULE must be a cron expression of five fields, for example `15 2 * * *`.' };
}

function readKeep(text: string): Reading<number> {
  const keep = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : 0;
  if (keep >= 1 && keep <= 1_000) return { value: keep };
  return { problem: 'LANYING_BACKUP_KEEP must be a whole number from 1 to 1000.' };
}

function readLogLevel(text: string): Reading<Config['logLevel']> {
  const parsed = v.safeParse(LogLevel, text);
  if (parsed.success) return { value: parsed.output };
  return { problem: `LANYING_LOG_LEVEL must be one of ${LogLevel.options.join(', ')}.` };
}

/** Throws ConfigError with every problem. */
export function readEnvironment(raw: Raw): Environment {
  const problems = Object.keys(raw)
    .filter((name) => name.startsWith('LANYING_') && !isVariable(name))
    .map((name) => `${name} is unknown; the variables are ${Object.keys(variables).join(', ')}.`);
  const read = <T, F>(name: Variable, fallback: F, parse: (text: string) => Reading<T>): T | F => {
    const text = raw[name];
    if (text === undefined) return fallback;
    const reading = parse(text);
    if ('value' in reading) return reading.value;
    problems.push(reading.problem);
    return fallback;
  };
  const portGiven = read('LANYING_PORT', null, readPort);
  // Without an origin the setup link must name the port that is listened on.
  const url = read('LANYING_ORIGIN', new URL(`http://localhost:${portGiven ?? defaultPort}`), readOrigin);
  const portOfOrigin = url.protocol === 'http:' ? Number(url.port === '' ? 80 : url.port) : defaultPort;
  const size = (name: Variable, fallback: number, bytesMax = sizeBytesMax) => read(name, fallback, (text) => readSize(name, text, bytesMax));
  const files = Object.freeze({
    fileBytesMax: size('LANYING_FILE_SIZE_MAX', 2 * sizeUnits.G, 64 * sizeUnits.G),
    personBytesMax: size('LANYING_FILES_PERSON_MAX', 10 * sizeUnits.G),
    totalBytesMax: size('LANYING_FILES_TOTAL_MAX', 100 * sizeUnits.G),
    freeBytesMin: size('LANYING_FILES_FREE_MIN', 512 * sizeUnits.M),
  });
  const backupTo = read('LANYING_BACKUP_TO', null, (text) => readPath('LANYING_BACKUP_TO', text));
  const recipients = read('LANYING_BACKUP_RECIPIENTS', null, readRecipients);
  const backupRest = { schedule: read('LANYING_BACKUP_SCHEDULE', '15 2 * * *', readSchedule), keep: read('LANYING_BACKUP_KEEP', 14, readKeep) };
  const config: Config = Object.freeze({
    origin: url.origin,
    bind: read('LANYING_BIND', '127.0.0.1', readBind),
    port: portGiven ?? portOfOrigin,
    dataFolder: read('LANYING_DATA', resolve('data'), (text) => readPath('LANYING_DATA', text)),
    auditHeads: {
      file: read('LANYING_AUDIT_HEAD_FILE', null, (text) => readPath('LANYING_AUDIT_HEAD_FILE', text)),
      webhook: read('LANYING_AUDIT_HEAD_WEBHOOK', null, readWebhook),
    },
    logLevel: read('LANYING_LOG_LEVEL', 'info', readLogLevel),
    purgeRegister: read('LANYING_PURGE_REGISTER', null, (text) => readPath('LANYING_PURGE_REGISTER', text)),
    files,
    sendsPersonMax: read('LANYING_SENDS_PERSON_MAX', 1_000, readSends),
    backup: backupTo === null || recipients === null ? null : Object.freeze({ to: backupTo, recipients, ...backupRest }),
  });
  if ((backupTo === null) !== (recipients === null)) problems.push('LANYING_BACKUP_TO and LANYING_BACKUP_RECIPIENTS go together: set both, or none.');
  const masterKeyFile = read('LANYING_MASTER_KEY_FILE', null, (text) => readPath('LANYING_MASTER_KEY_FILE', text));
  const setupToken = read('LANYING_SETUP_TOKEN', null, readSetupToken);
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({ config, masterKeyFile, setupToken });
}

/** From the process's own environment. */
export const processEnvironment = (): Environment => readEnvironment(process.env);
