// node --import=tsx scripts/test/files.mjs '{ counts, atOnce, patterns, files }': node's test runner on files in this order, which
// `node --test` sorts by name. The file `counts` gets what scripts/counting-reporter.mjs writes.
import { createWriteStream } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import countingReporter from '../counting-reporter.mjs';

const { counts, atOnce, patterns, files } = JSON.parse(process.argv[2]);
// Ctrl-C ends the tests, and the counts of those that were done are written all the same.
const over = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => over.abort());

const { signal } = over;
const events = run({ files, signal, concurrency: atOnce, ...(patterns.length > 0 && { testNamePatterns: patterns }) });
events.on('test:fail', () => {
  process.exitCode = 1;
});
events.compose(countingReporter).pipe(createWriteStream(counts));
events.compose(spec).pipe(process.stdout);
