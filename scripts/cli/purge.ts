import { loadMasterKey } from '../../server/config/master-key.ts';
import { purgeFolder, type PurgeOutcome } from '../../server/compose-purge.ts';
import { type Command, exits, say, type Shell, type Text } from './command.ts';

const texts = {
  nothing: { en: 'Nothing is due', zh: '没有到期的内容' },
  due: { en: 'due', zh: '到期' },
  held: { en: 'kept by hold', zh: '被保留令保留' },
  entries: { en: 'entries', zh: '条记录' },
  erased: { en: 'Erased and verified', zh: '已删除并验证' },
  files: { en: 'files', zh: '个文件' },
  fingerprints: { en: 'fingerprints looked for', zh: '个指纹已查找' },
  found: { en: 'found', zh: '个仍存在' },
  receipt: { en: 'receipt', zh: '回执' },
  inUse: {
    en: 'A server has the data folder. It purges by itself every night; retention.run does it now.',
    zh: '数据目录正被服务器使用。服务器每晚自动清除；可调用 retention.run 立即执行。',
  },
  unavailable: { en: 'The store does not open:', zh: '存储无法打开：' },
} as const satisfies Record<string, Text>;

export const purge: Command = {
  name: 'purge',
  summary: { en: 'Erase what the rules of retention say', zh: '按保留规则清除数据' },
  options: {
    'dry-run': {
      type: 'boolean',
      meaning: { en: 'Only say what would go, and what a hold keeps', zh: '仅说明将清除什么，以及保留令保留什么' },
    },
  },
  async run({ flags, shell }) {
    const { config, masterKeyFile } = shell.environment();
    const outcome = await purgeFolder({
      config,
      masterKey: (random) => loadMasterKey(config.dataFolder, masterKeyFile, random).key,
      dryRun: flags['dry-run'] === true,
    });
    return told(outcome, shell);
  },
};

const dayOf = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);

export function told(outcome: PurgeOutcome, shell: Shell) {
  switch (outcome.kind) {
    case 'in_use':
      shell.err(`${say(shell, texts.inUse)} (${outcome.message})`);
      return exits.inUse;
    case 'unavailable':
      shell.err(`${say(shell, texts.unavailable)} ${outcome.message}`);
      return exits.unavailable;
    case 'previewed': {
      if (outcome.preview.items.length === 0) shell.out(say(shell, texts.nothing));
      for (const { conversationId, fromSequence, throughSequence, fromDay, throughDay, heldBy } of outcome.preview
        .items) {
        const fate = heldBy === null ? say(shell, texts.due) : `${say(shell, texts.held)} ${heldBy}`;
        shell.out(
          `${conversationId} ${dayOf(fromDay)} … ${dayOf(throughDay)}, ${throughSequence - fromSequence + 1} ${say(shell, texts.entries)}: ${fate}`,
        );
      }
      if (outcome.preview.more) shell.out('…');
      return exits.ok;
    }
    case 'purged': {
      if (outcome.receipt === null) {
        shell.out(say(shell, texts.nothing));
        return exits.ok;
      }
      const { receiptId, ranges, others, proof } = outcome.receipt;
      const entries = ranges.reduce((sum, { counts }) => sum + counts.entries, 0);
      const files = others.reduce((sum, { count }) => sum + count, 0);
      shell.out(
        `${say(shell, texts.erased)}: ${entries} ${say(shell, texts.entries)}, ${files} ${say(shell, texts.files)}`,
      );
      if (proof !== null)
        shell.out(`${proof.fingerprints} ${say(shell, texts.fingerprints)}, ${proof.found} ${say(shell, texts.found)}`);
      shell.out(`${say(shell, texts.receipt)} ${receiptId}`);
      return exits.ok;
    }
  }
}
