// The floor as a process of its own; its argument is a JSON file with the URLs.
import { readFileSync } from 'node:fs';
import { heads } from './heads.mjs';

await heads(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
