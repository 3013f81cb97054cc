/** What of a stored message can be searched: the one place that knows its shapes. */
import * as v from 'valibot';

export const hasBits = { link: 1, image: 2, file: 4 } as const;

/** Of a page, everything but the entry; of any version of this client. */
const Text = v.object({
  shown: v.object({
    type: v.literal('text'),
    text: v.string(),
    attachments: v.optional(v.array(v.object({ name: v.optional(v.string()), kind: v.optional(v.string()), type: v.optional(v.string()) }))),
  }),
});

/** Web addresses as they stand in a text, without the punctuation of the sentence around them. */
const address = /https?:\/\/[^\s<>"'，。；：！？、（）《》【】「」]+/giu;
const trailing = /[.,;:!?)\]}]+$/u;

export const linksIn = (text: string): readonly string[] => [...new Set([...text.matchAll(address)].map(([found]) => found.replace(trailing, '')))];

export interface Said {
  /** With the names of its files, each in a line of its own. */
  readonly text: string;
  readonly has: number;
}

/** Null where nobody said anything. */
export function said(rest: unknown): Said | null {
  const parsed = v.safeParse(Text, rest);
  if (!parsed.success) return null;
  const { text, attachments = [] } = parsed.output.shown;
  let has = text.includes('://') && linksIn(text).length > 0 ? hasBits.link : 0;
  for (const { kind, type } of attachments) has |= kind === 'image' || type?.startsWith('image/') === true ? hasBits.image : hasBits.file;
  const names = attachments.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return { text: [text, ...names].filter((line) => line !== '').join('\n'), has };
}
