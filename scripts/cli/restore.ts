import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { existsSync, statSync } from 'node:fs';
import { FolderTarget } from '../../server/compose-backup.ts';
import { restore as restoreFolder } from '../../server/compose-restore.ts';
import { loadMasterKey } from '../../server/config/master-key.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import { ofArchive, Progress } from './backup.ts';
import { type Command, exits, flagText, say, type Text } from './command.ts';

const texts = {
  done: { en: 'Restored, and every record and file opened', zh: '已恢复，且所有记录与文件均可打开' },
  state: { en: 'State of', zh: '数据截至' },
  records: { en: 'records', zh: '条记录' },
  files: { en: 'files', zh: '个文件' },
  again: { en: 'purges that are newer than the backup: the start does them again before it serves', zh: '项清除晚于此备份：启动时会在提供服务前重新执行' },
  next: { en: 'Start the server now.', zh: '现在可以启动服务器。' },
  usage: {
    en: 'Give --from FOLDER (or - for an archive on standard input) and --identity FILE.',
    zh: '请给出 --from 目录（或 - 表示从标准输入读取归档）和 --identity 文件。',
  },
  noFolder: { en: 'There is no such folder:', zh: '没有此目录：' },
  identity: { en: 'The identity file cannot be read:', zh: '无法读取身份密钥文件：' },
  inUse: { en: 'The data folder is in use:', zh: '数据目录正在使用中：' },
  broken: { en: 'Nothing was restored: what is in the backup does not open:', zh: '未恢复：备份内容无法打开：' },
} as const satisfies Record<string, Text>;

export const restore: Command = {
  name: 'restore',
  summary: { en: 'Put a backup into an empty data folder', zh: '将备份恢复到空的数据目录' },
  options: {
    from: { type: 'string', value: 'FOLDER|-', meaning: { en: 'Where the backups are; - reads one archive from standard input', zh: '备份所在目录；- 表示从标准输入读取单个归档' } },
    identity: { type: 'string', value: 'FILE', meaning: { en: 'File with the key that opens them', zh: '用于打开备份的密钥文件' } },
    backup: { type: 'string', value: 'NAME', meaning: { en: 'Which one; the newest when left out', zh: '指定备份；默认最新' } },
    json: { type: 'boolean', meaning: { en: 'Print what was restored as JSON', zh: '以 JSON 输出结果' } },
  },
  async run({ flags, shell }) {
    const [from, identity] = [flagText(flags, 'from'), flagText(flags, 'identity')];
    if (from === null || identity === null) {
      shell.err(say(shell, texts.usage));
      return exits.usage;
    }
    const folder = resolve(from);
    if (from !== '-' && !(existsSync(folder) && statSync(folder).isDirectory())) {
      shell.err(`${say(shell, texts.noFolder)} ${folder}`);
      return exits.unavailable;
    }
    const identities = await readFile(identity, 'utf8').catch((cause: unknown) => {
      shell.err(`${say(shell, texts.identity)} ${cause instanceof Error ? cause.message : String(cause)}`);
      return null;
    });
    if (identities === null) return exits.unavailable;
    const { config, masterKeyFile } = shell.environment();
    const masterKey = masterKeyFile === null ? null : loadMasterKey(config.dataFolder, masterKeyFile, systemRuntime.random).key;
    const progress = new Progress(shell);
    const outcome = await ofArchive(shell, () =>
      restoreFolder({
        config,
        masterKey,
        identities,
        from: from === '-' ? { archive: shell.read() } : { target: new FolderTarget(folder), name: flagText(flags, 'backup') },
        onProgress: (bytes) => progress.more(bytes),
      }),
    );
    progress.end();
    if (outcome === null) return exits.found;
    switch (outcome.kind) {
      case 'in_use':
        shell.err(`${say(shell, texts.inUse)} ${outcome.message}`);
        return exits.inUse;
      case 'broken':
        shell.err(`${say(shell, texts.broken)} ${outcome.message}`);
        return exits.found;
      case 'restored': {
        const { takenAt, verification } = outcome;
        const { records, files, purgesToRepeat } = verification;
        if (flags['json'] === true) {
          shell.out(JSON.stringify({ takenAt, records, files, purgesToRepeat }));
          return exits.ok;
        }
        shell.out(`${say(shell, texts.done)}: ${records} ${say(shell, texts.records)}, ${files} ${say(shell, texts.files)}`);
        shell.out(`${say(shell, texts.state)} ${new Date(takenAt).toISOString()}`);
        if (purgesToRepeat > 0) shell.out(`${purgesToRepeat} ${say(shell, texts.again)}`);
        shell.out(say(shell, texts.next));
        return exits.ok;
      }
    }
  },
};
