/** People and conversations of a small company, in both languages. */
import type { ConversationView, InviteView, PersonView, SecurityNotice, TimelineItem } from '../../../../web/engine/api.ts';
import type { ConversationId, InviteId, MessageId, UserId } from '../../../../server/protocol/ids.ts';

const user = (name: string): UserId => name.padEnd(22, '0') as UserId;
export const conversationId = (name: string): ConversationId => name.padEnd(22, '0') as ConversationId;
const me = user('me');
const lin = user('lin');
const emre = user('emre');
const zhao = user('zhao');
const mia = user('mia');

export function demoPeople(): readonly PersonView[] {
  const digits = '31415926535897932384626433832795028841971693993751058209749445';
  const person = (userId: UserId, handle: string, displayName: string, extra: Partial<PersonView> = {}): PersonView => ({
    userId, handle, displayName, role: 'member', safetyNumber: digits.slice(0, 60), identity: 'pinned', verified: false, keyChanges: [], ...extra,
  });
  return [
    person(me, 'chen.yu', '陈雨', { role: 'owner', safetyNumber: null }),
    person(lin, 'lin.xiao', '林晓', { role: 'admin', verified: true }),
    person(emre, 'emre.kaya', 'Emre Kaya'),
    person(zhao, 'zhao.min', '赵敏', { identity: 'changed', keyChanges: [Date.now() - 3_600_000] }),
    person(mia, 'mia.schneider', 'Mia Schneider-Hohenberger', { safetyNumber: null, identity: 'unknown' }),
  ];
}

export function conversationsOf(now: number): readonly ConversationView[] {
  const make = (name: string, extra: Partial<ConversationView>): ConversationView => ({
    conversationId: conversationId(name), title: null, members: [me, lin], owner: me, mayRemove: true, active: true,
    unread: 0, last: null, draft: '', failedSends: 0, blockedBy: [], halted: null, activeAt: now, ...extra,
  });
  const minute = 60_000;
  const day = 86_400_000;
  return [
    make('product', { title: '产品组', members: [me, lin, emre, mia], last: { from: me, text: '保留策略 v3 已经更新', at: now - minute }, activeAt: now - minute }),
    make('lin', { unread: 3, last: { from: lin, text: '安全编号已核对，谢谢', at: now - 12 * minute }, activeAt: now - 12 * minute }),
    make('audit', { title: '合规与审计', members: [me, emre, mia], owner: emre, mayRemove: false, draft: 'Could you add the annex before', activeAt: now - day, last: { from: emre, text: 'Q4 report is ready for review.', at: now - day } }),
    make('oncall', { title: '值班 · on-call', members: [me, emre, lin], failedSends: 1, activeAt: now - day - 1, last: { from: me, text: 'Disk alarm on node 3', at: now - day } }),
    make('zhao', { members: [me, zhao], blockedBy: [zhao], activeAt: now - 3 * day, last: { from: zhao, text: '我换了新手机', at: now - 3 * day } }),
    make('forked', { title: 'Data centre move', members: [me, emre, mia], halted: 'forked', activeAt: now - 4 * day, last: { from: emre, text: 'Racks arrive on Monday', at: now - 4 * day } }),
    make('long', { title: 'Pneumonoultramicroscopicsilicovolcanoconiosis 研究与供应商协调小组（华东、华南、欧洲）', members: [me, mia, zhao, lin, emre], unread: 128, activeAt: now - 5 * day, last: { from: mia, text: longTexts[0] ?? '', at: now - 5 * day } }),
    make('old', { title: 'Offsite 2026', active: false, members: [emre, mia], activeAt: now - 40 * day, last: { from: mia, text: 'See you all there!', at: now - 40 * day } }),
    make('empty', { title: 'Design review', members: [me, mia, emre], activeAt: now - 41 * day }),
  ];
}

const longTexts = [
  'https://files.example.org/projects/2026/very/deep/folder/with-a-name-that-nobody-would-choose/report_final_v17_REALLY_final.pdf?signature=Zk3vQ0pX9bN2mLr8TtY5wHc7JfGd1SaE',
  '上周的评审结论如下：第一，保留策略需要在十二月一日之前生效；第二，供应商的 SSO 接入推迟到 Q1；第三，值班表（on-call）改为双人轮换，周末补休由各组自行安排。请大家在周五 18:00 前确认“影响范围”一栏，尤其是涉及跨境数据的三个项目。如有疑问，直接在这里回复即可，不必另开会议。',
  'One line.\nAnother line, after a break.\n\n- first point\n- second point, which goes on for quite a while so that it has to be broken over more than one line on a small screen',
  '好',
] as const;

const texts = {
  long: [[mia, longTexts[0], 7_210], [zhao, longTexts[1], 7_208], [me, longTexts[1], 7_206], [me, longTexts[2], 7_205], [me, longTexts[0], 7_204], [lin, longTexts[3], 7_202]],
  product: [
    [lin, '新版本的发布计划在这里：https://chat.example.org/release-2026.12。安全审计还剩两项，今天下班前可以关闭。请先跑一遍检查再合并。', 18],
    [emre, 'Both are mine. The retention rule fix is in review; the second one needs a signed-off report.', 13],
    [emre, 'I will send it before five.', 12],
    [lin, '好的，辛苦了！', 8],
    [me, '保留策略 v3 已经更新：频道默认 180 天，法务保全不受影响。', 2],
    [me, 'Draft of the announcement is next.', 1],
  ],
  lin: [
    [me, '我们核对一下安全编号？', 30],
    [lin, '好，我这边是 31415 92653 开头。', 15],
    [lin, '一样的。', 14],
    [lin, '安全编号已核对，谢谢', 12],
  ],
  audit: [[emre, 'Q4 report is ready for review.', 1_440]],
  oncall: [[emre, 'Anything tonight?', 1_460]],
  zhao: [[zhao, '我换了新手机', 4_320]],
  forked: [[emre, 'Racks arrive on Monday', 5_760]],
  old: [[mia, 'See you all there!', 57_600]],
} as const;

export function messagesOf(conversation: ConversationView, now: number): readonly TimelineItem[] {
  const name = conversation.conversationId.replace(/0+$/, '');
  if (name === 'empty') return [];
  const rows = Object.entries(texts).find(([key]) => key === name)?.[1] ?? [];
  const base = name === 'product' ? 200 : 2;
  const past = name === 'product' ? history(now, base) : [];
  const items: TimelineItem[] = [
    ...past,
    { kind: 'event', key: 'event', sequence: base - 1, sentAt: now - (name === 'product' ? 50 : 57_601) * 60_000, actor: me, event: name === 'product' ? { type: 'added', people: [mia, emre] } : { type: 'created' } },
    ...rows.map(([from, text, minutes], index): TimelineItem => ({
      kind: 'text', key: `m${index}`, id: `${name}${index}` as MessageId, sequence: base + index, from, own: from === me, sentAt: now - minutes * 60_000, text, delivery: 'sent',
    })),
  ];
  if (name === 'oncall') items.push({ kind: 'text', key: 'f', id: 'failed' as MessageId, sequence: null, from: me, own: true, sentAt: now - 60_000, text: 'Disk alarm on node 3', delivery: { failed: 'permission.denied' } });
  if (name === 'audit') items.push({ kind: 'unreadable', key: 'u', sequence: 9, sentAt: now - 86_000_000, reason: 'key_missing' });
  return items.toSorted((a, b) => (a.sequence ?? Infinity) - (b.sequence ?? Infinity));
}

const history = (now: number, base: number): readonly TimelineItem[] =>
  Array.from({ length: 60 }, (_, index): TimelineItem => {
    const sequence = base - 61 + index;
    const from = [lin, emre, me, lin][sequence % 4] ?? lin;
    return {
      kind: 'text', key: `h${sequence}`, id: `h${sequence}` as MessageId, sequence, from, own: from === me,
      sentAt: now - 86_400_000 - (60 - index) * 200_000, text: `${sequence}. ${'A longer line of an earlier day. '.repeat(1 + (sequence % 4))}`, delivery: 'sent',
    };
  });

export const demoNotices = (now: number): readonly SecurityNotice[] => [
  { kind: 'identity_changed', at: now - 3_600_000, userId: zhao, conversationId: conversationId('zhao') },
  { kind: 'replay_refused', at: now - 7_200_000, conversationId: conversationId('product'), sequence: 12 },
  { kind: 'members_differ', at: now - 9_200_000, conversationId: conversationId('product'), userId: mia },
];

export const demoInvites = (now: number): readonly InviteView[] => [
  { inviteId: user('invite1') as string as InviteId, label: '林晓', role: 'member', createdAt: now, expiresAt: now + 5 * 86_400_000, state: 'open', usedBy: null },
  { inviteId: user('invite2') as string as InviteId, label: null, role: 'admin', createdAt: now, expiresAt: now + 2 * 86_400_000, state: 'open', usedBy: null },
  { inviteId: user('invite3') as string as InviteId, label: null, role: 'member', createdAt: now, expiresAt: now - 1, state: 'expired', usedBy: null },
];
