// node --import=tsx scripts/test/files.mjs '{ folder, atOnce, patterns, processes }': node's test runner on files in this order,
// which `node --test` sorts by name. Each of `processes` lists the files of one process. In the folder it writes `counts.json`
// (scripts/counting-reporter.mjs) and `unfinished.json`: the files whose process ended before all their tests had run.
import { setMaxListeners } from 'node:events';
import { createWriteStream, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import countingReporter from '../counting-reporter.mjs';

const { folder, atOnce, patterns, processes } = JSON.parse(process.argv[2]);
// Ctrl-C ends the tests, and the counts of those that were done are written all the same.
const over = new AbortController();
// Node's runner listens once for each process, and would warn of a leak from the eleventh on.
setMaxListeners(0, over.signal);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => over.abort());

const { signal } = over;
const files = processes.map((group, index) => (group.length > 1 ? writeEntry(group, index) : group[0]));
const events = run({ files, signal, concurrency: atOnce, ...(patterns.length > 0 && { testNamePatterns: patterns }) });
const seen = new Set();
events.on('data', ({ data }) => seen.add(data.file));
events.on('test:fail', () => {
  process.exitCode = 1;
});
events.on('end', () => {
  const unfinished = signal.aborted ? [] : processes.flatMap(unfinishedOf);
  writeFileSync(path.join(folder, 'unfinished.json'), JSON.stringify(unfinished));
});
events.compose(countingReporter).pipe(createWriteStream(path.join(folder, 'counts.json')));
events.compose(spec).pipe(process.stdout);

/** The program of a process that runs several files. */
function writeEntry(group, index) {
  const entry = path.join(folder, `group-${index + 1}.mjs`);
  const urls = group.map((file) => pathToFileURL(path.resolve(file)).href);
  const text = `import { writeFileSync } from 'node:fs';
import ${asText(new URL('promises.mjs', import.meta.url))};

const { runTogether } = await import(${asText(new URL('group.mjs', import.meta.url))});

const files = ${JSON.stringify(urls, undefined, 2)};
runTogether(files, () => writeFileSync(${JSON.stringify(doneFile(index))}, ''));
`;
  writeFileSync(entry, text);
  return entry;
}

function asText(url) {
  return JSON.stringify(url.href);
}

function doneFile(index) {
  return path.join(folder, `group-${index + 1}.done`);
}

/** The files of a group run in order, so the last one that reported a test may have more, and those after it have not begun. */
function unfinishedOf(group, index) {
  if (group.length === 1 || existsSync(doneFile(index))) return [];
  const last = group.findLastIndex((file) => seen.has(path.resolve(file)));
  return group.slice(Math.max(0, last));
}
