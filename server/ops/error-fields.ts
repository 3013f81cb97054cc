/** What the log says of a cause. */
export const errorFields = (cause: unknown) =>
  cause instanceof Error ? { error: cause.name, message: cause.message, stack: cause.stack } : { error: 'unknown' };
