/** What the rest of the server may know of its surroundings. Frozen; secrets travel apart. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Bytes. */
export interface FileBounds {
  readonly fileBytesMax: number;
  readonly personBytesMax: number;
  readonly totalBytesMax: number;
  readonly freeBytesMin: number;
}

export interface BackupPlan {
  /** Absolute path. */
  readonly to: string;
  readonly recipients: readonly string[];
  /** Cron expression in local time. */
  readonly schedule: string;
  readonly keep: number;
}

export interface Config {
  /** Where browsers reach the server: scheme, host and port as the browser's `Origin` header writes them. */
  readonly origin: string;
  readonly bind: string;
  /** 0 only in tests: the system chooses. */
  readonly port: number;
  /** Absolute path. */
  readonly dataFolder: string;
  readonly logLevel: LogLevel;
  /** Absolute path; left out or null: `purged` in the data folder. */
  readonly purgeRegister?: string | null;
  /** Where signed tree heads of the audit log go; absolute path and URL. */
  readonly auditHeads?: { readonly file: string | null; readonly webhook: string | null };
  readonly files: FileBounds;
  /** Messages of one person in a second, in the long run. */
  readonly sendsPersonMax: number;
  /** Left out or null: no backup is made by itself. */
  readonly backup?: BackupPlan | null;
}

export interface Secrets {
  /** 32 bytes. */
  readonly masterKey: Uint8Array<ArrayBuffer>;
  /** Opens the setup of the owner's account; means nothing once an owner exists. */
  readonly setupToken: string;
}

/** The boot stops here; each problem is one line that a person can act upon. Never holds a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}
