/** Persistent storage of this origin (Storage Standard §5), for pages: workers may ask whether, but not for it. */
const manager = (): StorageManager | undefined => ('storage' in navigator ? navigator.storage : undefined);

export const browserStorage = {
  persisted: async (): Promise<boolean> => (await manager()?.persisted()) ?? false,
  persist: async (): Promise<boolean> => (await manager()?.persist()) ?? false,
};
