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
  audit: { en: 'audit entries', zh: '条审计记录' },
  sessions: { en: 'sessions', zh: '个会话' },
  accounts: { en: 'records of closed accounts', zh: '条已关闭账户的记录' },
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

type Receipt = NonNullable<Extract<PurgeOutcome, { readonly kind: 'purged' }>['receipt']>;
const countOf = (ofClass: Receipt['others'][number]['class'], receipt: Receipt | null): number =>
  (receipt?.others ?? []).reduce((sum, other) => sum + (other.class === ofClass ? other.count : 0), 0);

const dayOf = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);

export function told(outcome: PurgeOutcome, shell: Shell) {
  const fateOf = (heldBy: string | null): string =>
    heldBy === null ? say(shell, texts.due) : `${say(shell, texts.held)} ${heldBy}`;
  switch (outcome.kind) {
    case 'in_use':
      shell.err(`${say(shell, texts.inUse)} (${outcome.message})`);
      return exits.inUse;
    case 'unavailable':
      shell.err(`${say(shell, texts.unavailable)} ${outcome.message}`);
      return exits.unavailable;
    case 'previewed': {
      if (outcome.preview.items.length + outcome.preview.others.length === 0) shell.out(say(shell, texts.nothing));
      for (const { conversationId, fromSequence, throughSequence, fromDay, throughDay, heldBy } of outcome.preview
        .items) {
        shell.out(
          `${conversationId} ${dayOf(fromDay)} … ${dayOf(throughDay)}, ${throughSequence - fromSequence + 1} ${say(shell, texts.entries)}: ${fateOf(heldBy)}`,
        );
      }
      for (const { class: ofClass, conversationId, count, before, heldBy } of outcome.preview.others) {
        const where = conversationId === null ? '' : `${conversationId} `;
        const until = new Date(before).toISOString().slice(0, 10);
        shell.out(`${where}${say(shell, texts[ofClass])} < ${until}, ${count}: ${fateOf(heldBy)}`);
      }
      if (outcome.preview.more) shell.out('…');
      return exits.ok;
    }
    case 'purged': {
      if (outcome.receipt === null) {
        shell.out(say(shell, texts.nothing));
        return exits.ok;
      }
      const { receiptId, ranges, proof } = outcome.receipt;
      const entries = ranges.reduce((sum, { counts }) => sum + counts.entries, 0);
      const others = (['files', 'audit', 'sessions', 'accounts'] as const)
        .map((ofClass) => ({ ofClass, count: countOf(ofClass, outcome.receipt) }))
        .filter(({ ofClass, count }) => ofClass === 'files' || count > 0)
        .map(({ ofClass, count }) => `${count} ${say(shell, texts[ofClass])}`);
      shell.out(`${say(shell, texts.erased)}: ${[`${entries} ${say(shell, texts.entries)}`, ...others].join(', ')}`);
      if (proof !== null)
        shell.out(`${proof.fingerprints} ${say(shell, texts.fingerprints)}, ${proof.found} ${say(shell, texts.found)}`);
      shell.out(`${say(shell, texts.receipt)} ${receiptId}`);
      return exits.ok;
    }
  }
}
