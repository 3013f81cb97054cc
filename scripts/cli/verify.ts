import { checkStore } from '../../server/compose-verify.ts';
import { loadMasterKey } from '../../server/config/master-key.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import { type Command, exits, say } from './command.ts';

const texts = {
  well: { en: 'Every record is whole', zh: '所有记录完整' },
  records: { en: 'records', zh: '条记录' },
  families: { en: 'families', zh: '个类别' },
  batches: { en: 'batches written', zh: '个批次' },
  files: { en: 'files read', zh: '个文件已读' },
  older: {
    en: 'purges are in the register and not in this (older) copy: the next start does them again before it serves',
    zh: '项清除已登记，但此（较旧的）副本中尚未执行：下次启动时会在提供服务前重新执行',
  },
  bad: { en: 'The store is damaged. First fault of each family:', zh: '存储已损坏。各类别的首个问题：' },
  broken: { en: 'The store does not open:', zh: '存储无法打开：' },
  none: { en: 'There is no store in the data folder (LANYING_DATA):', zh: '数据目录（LANYING_DATA）中没有存储：' },
  inUse: {
    en: 'A server has the data folder: stop it, or check a copy.',
    zh: '数据目录正被服务器使用：请停止服务器，或检查一份副本。',
  },
} as const;

export const verify: Command = {
  name: 'verify',
  summary: {
    en: 'Open and count every record and file of a stopped server',
    zh: '离线逐条核验已停止服务器的记录与文件',
  },
  options: {
    witness: {
      type: 'boolean',
      meaning: {
        en: 'Make a missing store-witness anew when every record is whole',
        zh: '所有记录完整时，重建缺失的 store-witness',
      },
    },
  },
  async run({ flags, shell }) {
    const { config, masterKeyFile } = shell.environment();
    const { dataFolder } = config;
    const check = await checkStore(
      dataFolder,
      () => loadMasterKey(dataFolder, masterKeyFile, systemRuntime.random).key,
      { renewWitness: flags['witness'] === true, purgeRegister: config.purgeRegister ?? null },
    );
    switch (check.kind) {
      case 'no_store':
        shell.err(`${say(shell, texts.none)} ${dataFolder}`);
        return exits.unavailable;
      case 'in_use':
        shell.err(`${say(shell, texts.inUse)} ${check.message}`);
        return exits.inUse;
      case 'broken':
        shell.err(`${say(shell, texts.broken)} ${check.message}`);
        return exits.found;
      case 'checked': {
        const { records, families, commits, files, fileBytes, purgesToRepeat, faults } = check.verification;
        const [batches, all] = [say(shell, texts.batches), say(shell, texts.families)];
        const counts = `${records} ${say(shell, texts.records)}, ${families} ${all}, ${commits} ${batches}, ${files} ${say(shell, texts.files)} (${fileBytes} B)`;
        shell.out(`${say(shell, faults.length === 0 ? texts.well : texts.bad)} (${counts})`);
        for (const { what } of faults) shell.out(`  ${what}`);
        if (purgesToRepeat > 0) shell.out(`${purgesToRepeat} ${say(shell, texts.older)}`);
        return faults.length === 0 ? exits.ok : exits.found;
      }
    }
  },
};
