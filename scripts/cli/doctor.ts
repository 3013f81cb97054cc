import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lastBackup } from '../../server/compose-backup.ts';
import { holdsStore, ranLastAt } from '../../server/compose-folder.ts';
import { clockAheadMsMax, keyFault, nowMs, relayFault, roomIn } from '../../server/compose-verify.ts';
import { parseMasterKey } from '../../server/config/master-key.ts';
import { type Command, exits, say, type Shell, type Text } from './command.ts';

type Finding = readonly ['ok' | 'note' | 'bad', Text];
const mebibytes = (bytes: number): number => Math.floor(bytes / (1024 * 1024));
const both = (en: string, zh: string): Text => ({ en, zh });
const marks = { ok: '✓', note: '·', bad: '✗' } as const;

async function folder(path: string): Promise<Finding> {
  if (!existsSync(path))
    return ['note', both('no data folder yet; the first start makes it', '尚无数据目录；首次启动时创建')];
  if ((statSync(path).mode & 0o077) !== 0)
    return [
      'bad',
      both('the data folder is open to other users: chmod 700', '数据目录对其他用户开放：请执行 chmod 700'),
    ];
  return (await holdsStore(path))
    ? ['ok', both('the data folder holds a store', '数据目录中有存储')]
    : ['note', both('the data folder is empty', '数据目录为空')];
}

async function key(path: string, own: boolean, dataFolder: string): Promise<Finding> {
  if (!existsSync(path))
    return own
      ? (await holdsStore(dataFolder))
        ? ['bad', both('the folder holds a store and its master key is missing', '数据目录中有存储，但主密钥缺失')]
        : ['note', both('no master key yet', '尚无主密钥')]
      : ['bad', both('the master key file is missing', '主密钥文件缺失')];
  const held = parseMasterKey(readFileSync(path));
  if (held === null) return ['bad', both('the master key file holds no key', '主密钥文件中没有密钥')];
  const fault = await keyFault(dataFolder, held);
  if (fault !== null)
    return ['bad', both(`the master key does not open this folder (${fault})`, `主密钥无法打开此数据目录（${fault}）`)];
  return own
    ? ['note', both('the master key lies beside the data: keep it elsewhere', '主密钥与数据放在一起：请另行保存')]
    : ['ok', both('the master key is kept elsewhere', '主密钥另行保存')];
}

async function disk(path: string): Promise<Finding> {
  if (!existsSync(path)) return ['note', both('disk not looked at', '未检查磁盘')];
  const { free, floor } = await roomIn(path);
  const [left, least] = [mebibytes(free), mebibytes(floor)];
  return free < floor
    ? [
        'bad',
        both(
          `the disk is full: ${left} MiB left, writing stops under ${least}`,
          `磁盘已满：剩余 ${left} MiB，低于 ${least} MiB 停止写入`,
        ),
      ]
    : ['ok', both(`${left} MiB left on the disk`, `磁盘剩余 ${left} MiB`)];
}

/** Against the time of the last start, stop or minute of the server: before it is wrong, far behind it may be (then nothing is erased by itself). */
async function clock(path: string): Promise<Finding> {
  const last = await ranLastAt(path);
  if (last === null) return ['ok', both('the clock has nothing to be held against', '时钟尚无可对照的时间')];
  const aheadMs = nowMs() - last;
  if (aheadMs < -60_000)
    return [
      'bad',
      both(
        'the clock is behind the last time that the server ran: set it right',
        '时钟早于服务器上次运行的时间：请校准',
      ),
    ];
  const days = Math.floor(aheadMs / 86_400_000);
  return aheadMs > clockAheadMsMax
    ? [
        'note',
        both(
          `the server last ran ${days} days ago by this clock: check it; nothing is erased by itself until a purge was run (lanying purge)`,
          `按此时钟，服务器上次运行于 ${days} 天前：请确认；在手动清除（lanying purge）之前不会自动删除`,
        ),
      ]
    : ['ok', both('the clock goes forward', '时钟正常')];
}

async function relay(): Promise<Finding> {
  const fault = await relayFault();
  return fault === null
    ? ['ok', both('the native relay loads', '原生中继可加载')]
    : ['bad', both(fault, `原生中继无法加载：${fault}`)];
}

function lastPurge(register: string): Finding {
  if (!existsSync(register)) return ['note', both('last purge: none', '上次清除：无')];
  const at = new Date(statSync(register).mtimeMs).toISOString();
  return ['ok', both(`last purge: ${at}`, `上次清除：${at}`)];
}

const backupDaysMax = 8;

async function lastBackupOf(dataFolder: string): Promise<Finding> {
  const last = await lastBackup(dataFolder);
  if (last === null) return ['note', both('last backup: none was made', '上次备份：无')];
  const at = new Date(last.takenAt).toISOString();
  return nowMs() - last.takenAt > backupDaysMax * 86_400_000
    ? ['bad', both(`the last backup is old: ${at}`, `上次备份已过时：${at}`)]
    : ['ok', both(`last backup: ${at}`, `上次备份：${at}`)];
}

const tell = (shell: Shell, [mark, text]: Finding): void => shell.out(`${marks[mark]} ${say(shell, text)}`);

export const doctor: Command = {
  name: 'doctor',
  summary: { en: 'Look at folder, key, disk, clock and relay', zh: '检查目录、密钥、磁盘、时钟与中继' },
  options: {},
  async run({ shell }) {
    const { config, masterKeyFile } = shell.environment();
    const { dataFolder } = config;
    const findings: Finding[] = [
      await folder(dataFolder),
      await key(masterKeyFile ?? join(dataFolder, 'master.key'), masterKeyFile === null, dataFolder),
      await disk(dataFolder),
      await clock(dataFolder),
      await relay(),
      ['note', both('certificate: none here, a proxy has it', '证书：由代理持有')],
      await lastBackupOf(dataFolder),
      lastPurge(config.purgeRegister ?? join(dataFolder, 'purged')),
    ];
    for (const finding of findings) tell(shell, finding);
    return findings.some(([mark]) => mark === 'bad') ? exits.found : exits.ok;
  },
};
