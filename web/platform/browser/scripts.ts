/** The one Trusted Types policy of the product: these addresses, and nothing else, may become code of a worker. */

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}
declare global {
  interface Window {
    readonly trustedTypes?: TrustedTypes;
  }
}

/** Call once, with all of them: the policy can be made once. Gives what workers are started with; anything else throws, whoever asks. */
export function allowScripts(urls: readonly string[]): (url: string) => string {
  const rules = {
    createScriptURL(url: string): string {
      if (!urls.includes(url)) throw new TypeError('not one of our scripts');
      return url;
    },
  };
  const policy = window.trustedTypes?.createPolicy('lanying', rules) ?? rules;
  return (url) => policy.createScriptURL(url);
}
