/** The one table of variables: what env.ts reads and what README's table says (a test compares them, markdown and all). */
export const variables = {
  LANYING_ORIGIN: { default: '`http://localhost:` and the port', meaning: 'Where browsers reach it: `https://…`, or `http://` on localhost only.' },
  LANYING_BIND: { default: '`127.0.0.1`', meaning: 'Address to listen on.' },
  LANYING_PORT: { default: 'port of the origin on localhost, else `8080`', meaning: 'Port to listen on.' },
  LANYING_DATA: { default: '`./data`', meaning: 'The data folder.' },
  LANYING_MASTER_KEY_FILE: {
    default: 'made in the data folder',
    meaning:
      'File with the 32-byte master key (raw, hex or base64). Kept beside the data it protects only against a lost disk image without it; keep it elsewhere.',
  },
  LANYING_PURGE_REGISTER: {
    default: '`purged` in the data folder',
    meaning:
      'File that remembers which days of which conversations were purged. Keep it outside of what a backup puts back, so that restored data is purged again.',
  },
  LANYING_SETUP_TOKEN: {
    default: 'random',
    meaning: 'Fixes the token of the setup link, for automation (16–128 letters, digits, `-`, `_`).',
  },
  LANYING_AUDIT_HEAD_FILE: {
    default: 'none',
    meaning: 'File to which signed heads of the audit log and of the key directory are appended every five minutes when there are new entries. Keep it on another machine’s disk.',
  },
  LANYING_AUDIT_HEAD_WEBHOOK: {
    default: 'none',
    meaning: '`https://…` or `http://…` address to which the same heads are posted as text.',
  },
  LANYING_FILE_SIZE_MAX: { default: '`2G`', meaning: 'Largest file that can be sent: a number with `M` or `G` (1024-based), at most `64G`.' },
  LANYING_FILES_PERSON_MAX: { default: '`10G`', meaning: 'What the files of one person may take together.' },
  LANYING_FILES_TOTAL_MAX: { default: '`100G`', meaning: 'What all files may take together.' },
  LANYING_FILES_FREE_MIN: { default: '`512M`', meaning: 'Free space on the disk below which no upload begins.' },
  LANYING_BACKUP_TO: { default: 'none', meaning: 'Folder that gets a backup by itself, best on another disk; see “Backup”.' },
  LANYING_BACKUP_RECIPIENTS: {
    default: 'none',
    meaning: 'Who can open these backups: `age1…`, several with commas between them. `lanying backup key` makes one.',
  },
  LANYING_BACKUP_SCHEDULE: { default: '`15 2 * * *`', meaning: 'When they are made (cron, local time).' },
  LANYING_BACKUP_KEEP: { default: '`14`', meaning: 'How many of them are kept (1 to 1000).' },
  LANYING_SENDS_PERSON_MAX: {
    default: '`1000`',
    meaning: 'Messages that one person may send in a second in the long run (10 to 1000000); ten times as many at once.',
  },
  LANYING_LOG_LEVEL: { default: '`info`', meaning: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.' },
} as const satisfies Record<string, { readonly default: string; readonly meaning: string }>;

export type Variable = keyof typeof variables;
export const isVariable = (name: string): name is Variable => Object.hasOwn(variables, name);
