import { defineConfig } from '@lingui/cli';

// zh-CN and en are equal first languages; en is the one that sources are written in.
export default defineConfig({
  locales: ['en', 'zh-CN'],
  sourceLocale: 'en',
  catalogs: [{ path: '<rootDir>/web/ui/i18n/locales/{locale}', include: ['<rootDir>/web'] }],
  format: 'po',
  // Line numbers would change the catalogues with every edit.
  formatOptions: { lineNumbers: false },
  orderBy: 'origin',
});
