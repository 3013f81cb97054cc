/** How soon a password would be guessed, by zxcvbn with its common and English dictionaries. Loaded when first asked: it takes some 20 MB. */
import type { ZxcvbnFactory } from '@zxcvbn-ts/core';

/** Its time grows steeply with the length, and it runs on the only thread there is: what begins well enough is good. */
const lookedAtMax = 20;

async function load(): Promise<ZxcvbnFactory> {
  const [core, common, english] = await Promise.all([import('@zxcvbn-ts/core'), import('@zxcvbn-ts/language-common'), import('@zxcvbn-ts/language-en')]);
  return new core.ZxcvbnFactory({ dictionary: { ...common.dictionary, ...english.dictionary }, graphs: common.adjacencyGraphs });
}

let loading: Promise<ZxcvbnFactory> | null = null;

/** 0 (at once) to 4. `names`: what somebody who knows the person would try. */
export async function strengthOf(password: string, names: readonly string[]): Promise<number> {
  loading ??= load();
  return (await loading).check([...password].slice(0, lookedAtMax).join(''), [...names]).score;
}
