import { loadMasterKey } from '../../server/config/master-key.ts';
import { checkLog, type LogCheck } from '../../server/compose-logs.ts';
import { type Command, exits, flagText, say, type Shell, type Text } from './command.ts';

type Log = 'audit' | 'directory';

const wells: Readonly<Record<Log, Text>> = {
  audit: { en: 'The audit log is whole', zh: '审计日志完整' },
  directory: { en: 'The key directory is whole', zh: '密钥目录完整' },
};
const bads: Readonly<Record<Log, Text>> = {
  audit: { en: 'The audit log is not what it was. First bad index:', zh: '审计日志已被改动。第一个有问题的序号：' },
  directory: {
    en: 'The key directory is not what it was. First bad index:',
    zh: '密钥目录已被改动。第一个有问题的序号：',
  },
};
const summaries: Readonly<Record<Log, Text>> = {
  audit: { en: 'Check the audit log offline', zh: '离线核验审计日志' },
  directory: { en: 'Check the key directory offline', zh: '离线核验密钥目录' },
};

const texts = {
  entries: { en: 'entries', zh: '条记录' },
  heads: { en: 'given heads checked', zh: '个所给树头已核对' },
  key: { en: 'key of the log', zh: '日志的密钥' },
  root: { en: 'root', zh: '根' },
  inUse: {
    en: 'A server has the data folder: stop it, or check a copy.',
    zh: '数据目录正被服务器使用：请停止服务器，或检查一份副本。',
  },
} as const satisfies Record<string, Text>;

const faults: Readonly<Record<string, Text>> = {
  missing: { en: 'entries are missing', zh: '记录缺失' },
  damaged: { en: 'the entry does not open at its place', zh: '记录无法在其位置打开' },
  foreign: { en: 'a record that the log never wrote stands before it', zh: '其前有一条并非日志写入的记录' },
  altered: { en: 'the entry is not the one that was hashed', zh: '记录不是当初计算哈希的那一条' },
  tree: { en: 'hashes of the tree are missing or wrong', zh: '树的哈希缺失或有误' },
  beyond: { en: 'it stands behind the end that the tree knows', zh: '记录位于树所知的末尾之后' },
  head: { en: 'a given head is of other entries', zh: '所给树头对应的是另一些记录' },
  cut: { en: 'the log ends before a given head does', zh: '日志在所给树头之前就结束了' },
  signature: { en: 'a given head is not signed by the key of the log', zh: '所给树头不是由日志的密钥签署' },
  unlisted: {
    en: 'an account or device that is stored has no leaf there (a store of an earlier version gets them at the next start of the server)',
    zh: '存储中的某个账号或设备在此没有对应的叶（早期版本的存储会在服务器下次启动时补上）',
  },
};

const unavailable: Readonly<Record<string, Text>> = {
  no_store: { en: 'There is no store in the data folder (LANYING_DATA):', zh: '数据目录（LANYING_DATA）中没有存储：' },
  head_file: { en: 'Not a readable file of signed tree heads:', zh: '不是可读的已签署树头文件：' },
  verifier_key: { en: 'Not a verifier key:', zh: '不是验证密钥：' },
  store: { en: 'The store does not open:', zh: '存储无法打开：' },
};

const verifying = (log: Log): Command => ({
  name: `verify ${log}`,
  summary: summaries[log],
  options: {
    head: {
      type: 'string',
      value: 'FILE',
      meaning: { en: 'Signed tree heads that were exported', zh: '此前导出的已签署树头' },
    },
    key: { type: 'string', value: 'KEY', meaning: { en: 'Verifier key kept elsewhere', zh: '另行保存的验证密钥' } },
  },
  async run({ flags, shell }) {
    const { config, masterKeyFile } = shell.environment();
    const check = await checkLog({
      log,
      config,
      masterKey: (random) => loadMasterKey(config.dataFolder, masterKeyFile, random).key,
      headFile: flagText(flags, 'head'),
      verifierKey: flagText(flags, 'key'),
    });
    return told(log, check, shell);
  },
});

export const verifyAudit = verifying('audit');
export const verifyDirectory = verifying('directory');

function told(log: Log, check: LogCheck, shell: Shell) {
  if (check.kind === 'in_use') {
    shell.err(`${say(shell, texts.inUse)} (${check.message})`);
    return exits.inUse;
  }
  if (check.kind === 'unavailable') {
    shell.err(`${textOf(unavailable, check.reason, shell)} ${check.message}`);
    return exits.unavailable;
  }
  const { verdict, heads, verifierKey } = check;
  shell.out(`${verdict.size} ${say(shell, texts.entries)}, ${heads} ${say(shell, texts.heads)}`);
  shell.out(`${say(shell, texts.root)}: ${Buffer.from(verdict.root).toString('base64')}`);
  shell.out(`${say(shell, texts.key)}: ${verifierKey}`);
  const { first } = verdict;
  if (first === null) {
    shell.out(say(shell, wells[log]));
    return exits.ok;
  }
  const where = first.until === first.index + 1 ? `${first.index}` : `${first.index} … ${first.until - 1}`;
  shell.err(`${say(shell, bads[log])} ${where} (${textOf(faults, first.fault, shell)})`);
  return exits.found;
}

const textOf = (table: Readonly<Record<string, Text>>, word: string, shell: Shell): string => {
  const text = table[word];
  return text === undefined ? word : say(shell, text);
};
