import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ArchiveError, backUp, type BackupOutcome, FolderTarget, newIdentity } from '../../server/compose-backup.ts';
import { holdsStore } from '../../server/compose-folder.ts';
import { loadMasterKey } from '../../server/config/master-key.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import { type Call, type Command, type Exit, exits, flagText, say, type Shell, type Text } from './command.ts';

const texts = {
  made: { en: 'Backup made and read back', zh: '备份已完成并回读校验' },
  files: { en: 'files', zh: '个文件' },
  fresh: { en: 'of them new', zh: '个为新增' },
  rotated: { en: 'older backups removed', zh: '个旧备份已移除' },
  usage: {
    en: 'Give --to FOLDER (or - for standard output) and --recipient age1…; `lanying backup key --identity FILE` makes a key.',
    zh: '请给出 --to 目录（或 - 表示标准输出）和 --recipient age1…；`lanying backup key --identity 文件` 可生成密钥。',
  },
  none: { en: 'There is no store in the data folder (LANYING_DATA):', zh: '数据目录（LANYING_DATA）中没有存储：' },
  inUse: { en: 'No backup was made:', zh: '未进行备份：' },
  broken: { en: 'No backup was made: the store is not well:', zh: '未进行备份：存储有问题：' },
  s3: { en: 'Places of the form s3://… are not supported yet: back up into a folder and copy it there.', zh: '暂不支持 s3://…：请先备份到目录，再复制过去。' },
  keep: { en: '--keep must be a whole number from 1 to 1000.', zh: '--keep 必须是 1 到 1000 的整数。' },
  exists: { en: 'The file is there already, and an identity is never overwritten:', zh: '文件已存在，身份密钥绝不会被覆盖：' },
  identity: { en: '--identity FILE says where the new identity goes.', zh: '--identity 文件 指明新身份密钥的存放位置。' },
  keyMade: {
    en: 'Keep this file away from the server and in two places: without it no backup opens. Backups are sealed for',
    zh: '请将此文件存放在服务器之外的两处：没有它，任何备份都无法打开。备份将加密给',
  },
} as const satisfies Record<string, Text>;

const mebibytes = (bytes: number): string => (bytes / (1024 * 1024)).toFixed(1);

export const backup: Command = {
  name: 'backup',
  summary: { en: 'Back up, also while the server runs, sealed with age', zh: '备份（服务器运行时也可），以 age 加密' },
  options: {
    to: { type: 'string', value: 'FOLDER|-', meaning: { en: 'Where to; - writes one archive to standard output', zh: '目标目录；- 表示将单个归档写到标准输出' } },
    recipient: { type: 'string', value: 'age1…', meaning: { en: 'Who can open it; several with commas', zh: '谁可以打开；多个以逗号分隔' } },
    keep: { type: 'string', value: 'N', meaning: { en: 'Then remove all but the newest N', zh: '完成后仅保留最新的 N 个' } },
    json: { type: 'boolean', meaning: { en: 'Print what was made as JSON', zh: '以 JSON 输出结果' } },
  },
  async run({ flags, shell }) {
    const { config, masterKeyFile } = shell.environment();
    const to = flagText(flags, 'to') ?? config.backup?.to ?? null;
    const recipients = flagText(flags, 'recipient')?.split(',') ?? config.backup?.recipients ?? [];
    if (to === null || recipients.length === 0) return refuse(shell, texts.usage);
    if (to.startsWith('s3:')) return refuse(shell, texts.s3);
    const keep = keepOf(flags);
    if (Number.isNaN(keep)) return refuse(shell, texts.keep);
    const { dataFolder } = config;
    if (!(await holdsStore(dataFolder))) {
      shell.err(`${say(shell, texts.none)} ${dataFolder}`);
      return exits.unavailable;
    }
    const own = join(dataFolder, 'master.key');
    const progress = new Progress(shell);
    const outcome = await ofArchive(shell, () =>
      backUp({
        config,
        masterKey: loadMasterKey(dataFolder, masterKeyFile, systemRuntime.random).key,
        masterKeyFile: masterKeyFile === null && existsSync(own) ? own : null,
        recipients,
        to: to === '-' ? { write: (bytes) => shell.write(bytes) } : { target: new FolderTarget(resolve(to)), keep },
        onProgress: (bytes) => progress.more(bytes),
      }),
    );
    progress.end();
    return outcome === null ? exits.found : told(outcome, { shell, json: flags['json'] === true, streamed: to === '-' });
  },
};

function refuse(shell: Shell, text: Text): Exit {
  shell.err(say(shell, text));
  return exits.usage;
}

function keepOf(flags: Call['flags']): number | null {
  const text = flagText(flags, 'keep');
  if (text === null) return null;
  return /^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1000 ? Number(text) : Number.NaN;
}

/** Null when the archive, its key or its place is at fault; that was told then. */
export async function ofArchive<T>(shell: Shell, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ArchiveError)) throw cause;
    shell.err(cause.message);
    return null;
  }
}

const progressBytes = 16 * 1024 * 1024;

/** On a terminal one line that changes; elsewhere silence. */
export class Progress {
  #bytes = 0;
  #shown = 0;

  constructor(readonly shell: Shell) {}

  more(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes - this.#shown < progressBytes) return;
    this.#shown = this.#bytes;
    this.shell.progress(`${mebibytes(this.#bytes)} MiB`);
  }

  end(): void {
    if (this.#shown > 0) this.shell.progress(null);
  }
}

function told(outcome: BackupOutcome, { shell, json, streamed }: { readonly shell: Shell; readonly json: boolean; readonly streamed: boolean }): Exit {
  switch (outcome.kind) {
    case 'in_use':
      shell.err(`${say(shell, texts.inUse)} ${outcome.message}`);
      return exits.inUse;
    case 'broken':
      shell.err(`${say(shell, texts.broken)} ${outcome.message}`);
      return exits.found;
    case 'made': {
      const { made, rotated } = outcome;
      const tell = streamed ? shell.err : shell.out;
      if (json) {
        tell(JSON.stringify({ ...made, rotated }));
        return exits.ok;
      }
      const what = [
        made.name ?? new Date(made.takenAt).toISOString(),
        `${mebibytes(made.bytes)} MiB`,
        `${made.files} ${say(shell, texts.files)}, ${made.newFiles} ${say(shell, texts.fresh)}`,
        ...(rotated > 0 ? [`${rotated} ${say(shell, texts.rotated)}`] : []),
      ];
      tell(`${say(shell, texts.made)}: ${what.join(', ')}`);
      return exits.ok;
    }
  }
}

export const backupKey: Command = {
  name: 'backup key',
  summary: { en: 'Make the key that opens backups', zh: '生成用于打开备份的密钥' },
  options: { identity: { type: 'string', value: 'FILE', meaning: { en: 'New file for the secret part', zh: '存放私钥部分的新文件' } } },
  async run({ flags, shell }) {
    const path = flagText(flags, 'identity');
    if (path === null) return refuse(shell, texts.identity);
    const { identity, recipient } = await newIdentity();
    try {
      await writeFile(path, `# public key: ${recipient}\n${identity}\n`, { mode: 0o600, flag: 'wx' });
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause)) throw cause;
      shell.err(cause.code === 'EEXIST' ? `${say(shell, texts.exists)} ${path}` : cause.message);
      return exits.unavailable;
    }
    shell.err(`${say(shell, texts.keyMade)}:`);
    shell.out(recipient);
    return exits.ok;
  },
};
