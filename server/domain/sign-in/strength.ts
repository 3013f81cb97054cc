/** How soon a password would be guessed, by zxcvbn with its common and English dictionaries and a Chinese one. Loaded when first asked: it takes some 20 MB. */
import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { chineseNames, chineseWords } from './chinese-passwords.ts';

/** Its time grows steeply with the length, and it runs on the only thread there is: what begins well enough is good. */
const lookedAtMax = 20;

async function load(): Promise<ZxcvbnFactory> {
  const [core, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  const dictionary = {
    ...common.dictionary,
    ...english.dictionary,
    chineseWords: [...chineseWords],
    chineseNames: [...chineseNames],
  };
  return new core.ZxcvbnFactory({ dictionary, graphs: common.adjacencyGraphs });
}

let loading: Promise<ZxcvbnFactory> | null = null;

/** A name, and its words. */
const partsOf = (name: string): string[] =>
  [...new Set([name, ...name.split(/[\s._\-·]+/u)])].filter((part) => part !== '');

/** 0 (at once) to 4. `names`: what somebody who knows the person would try. */
export async function strengthOf(password: string, names: readonly string[]): Promise<number> {
  loading ??= load();
  return (await loading).check([...password].slice(0, lookedAtMax).join(''), names.flatMap(partsOf)).score;
}
