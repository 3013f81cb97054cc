/**
 * What in a page a policy of `script-src 'self'; style-src 'self'` would block: scripts and styles with a body,
 * `style` and `on…` attributes, `javascript:` and `data:` addresses. One line each.
 */
export const inlineParts = (html: string): string[] => {
  const found: string[] = [];
  for (const [whole, name, attributes = '', body = ''] of html.matchAll(/<(script|style)\b([^>]*)>([\s\S]*?)<\/\1>/gi)) {
    if (body.trim() !== '' || (name?.toLowerCase() === 'script' && !/\bsrc=/.test(attributes))) found.push(whole.slice(0, 120));
  }
  for (const [tag] of html.matchAll(/<[a-z][^>]*>/gi)) {
    if (/\s(style|on[a-z]+)\s*=/i.test(tag) || /\s(src|href)\s*=\s*["']?\s*(javascript|data):/i.test(tag)) found.push(tag.slice(0, 120));
  }
  return found;
};
