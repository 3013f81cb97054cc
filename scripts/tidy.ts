// `npm run tidy`: the house's rules as a check. One line for each finding, `path:line rule message`; ends with 1 if any.
import { checkHouse } from './tidy/house.ts';
import { root } from '../vite.config.ts';

const startedMs = performance.now();
const { findings, files } = checkHouse(root);
for (const { path, line, rule, message } of findings) process.stdout.write(`${path}:${line} ${rule} ${message}\n`);
process.stdout.write(`tidy: ${files} files, ${findings.length} findings, ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
