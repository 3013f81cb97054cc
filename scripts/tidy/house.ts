import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkAny, checkDefaultExport, checkEmptyCatch, checkFileName, checkUnfinished, checkUnfinishedText } from './habits.ts';
import { checkMessages } from './messages.ts';
import { checkEnvironment, checkPackages, checkRuntime } from './owners.ts';
import { checkReach } from './reach.ts';
import { checkRules } from './rules.ts';
import { checkShipped, shippedPackages } from './shipped.ts';
import { checkFileSize, checkFunctionSize, checkInterfaceSize } from './sizes.ts';
import { parseSource, type Finding, type Source } from './source.ts';
import { checkWalls } from './walls.ts';
import { checkCatalogues, checkVisibleText, parseCatalogue } from './words.ts';

const folders = ['server', 'web', 'scripts', 'test'];
const parsed = /\.(ts|tsx|mjs)$/;
const specification = 'server/protocol/SPEC.md';
const catalogues = ['web/ui/i18n/locales/en.po', 'web/ui/i18n/locales/zh-CN.po'];
const productEntries = ['server/main.ts', 'web/main.tsx', 'web/sdk/index.ts'];
/** What package.json and other processes start by name. */
const scriptEntry = /^scripts\/([a-z-]+\.(ts|mjs)|[a-z-]+\/main\.ts|setup\/prune-native\.mjs)$/;
const rootFile = /^[^/]+\.config\.ts$/;
const testEntry = /^test\/.*(\.test\.tsx?|\.config\.ts|\/main\.tsx?|\/global-setup\.ts)$/;

const checks: readonly ((source: Source) => Finding[])[] = [
  checkWalls,
  checkPackages,
  checkEnvironment,
  checkRuntime,
  checkFunctionSize,
  checkInterfaceSize,
  checkUnfinished,
  checkAny,
  checkEmptyCatch,
  checkDefaultExport,
  checkVisibleText,
];

const listFiles = (root: string): string[] => {
  const below = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/').replace(/^\//, '')),
  );
  return [...below, ...readdirSync(root).filter((name) => rootFile.test(name))].sort();
};

/** Runs every check over the repository. Reads files only; fast enough to run at every save. */
export const checkHouse = (root: string): { findings: Finding[]; files: number } => {
  const paths = listFiles(root);
  const shipped = shippedPackages(readFileSync(join(root, 'package.json'), 'utf8'));
  const findings: Finding[] = [];
  const sources: Source[] = [];
  for (const path of paths) {
    findings.push(...checkFileName(path));
    if (!parsed.test(path) && !path.endsWith('.css')) continue;
    const text = readFileSync(join(root, path), 'utf8');
    findings.push(...checkFileSize(path, text));
    if (!parsed.test(path)) {
      findings.push(...checkUnfinishedText(path, text));
      continue;
    }
    const source = parseSource(path, text);
    sources.push(source);
    for (const check of checks) findings.push(...check(source));
    findings.push(...checkShipped(source, shipped));
  }
  const product = [...productEntries, ...paths.filter((path) => scriptEntry.test(path))];
  findings.push(...checkReach(sources, { product, tests: paths.filter((path) => testEntry.test(path) || rootFile.test(path)) }));
  findings.push(...checkRules({ path: specification, text: readFileSync(join(root, specification), 'utf8') }, sources.filter(({ path }) => path.startsWith('test/'))));
  const languages = catalogues.filter((path) => paths.includes(path)).map((path) => parseCatalogue(path, readFileSync(join(root, path), 'utf8')));
  findings.push(...checkCatalogues(languages), ...languages.slice(0, 1).flatMap((catalogue) => checkMessages(sources, catalogue)));
  for (const path of catalogues.filter((name) => !paths.includes(name))) findings.push({ path, line: 1, rule: 'catalogue', message: 'does not exist' });
  return { findings, files: paths.length };
};
