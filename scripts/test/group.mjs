// Several test files in one process: starting node with tsx and loading the same modules cost more than the tests of most files.
import { after, before, beforeEach, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';

// A whole lane has the same inputs in each run, so that a change is judged by what it changes. A file that is named has others.
fc.configureGlobal({ seed: Number(process.env.SWAPCTL_PROPERTY_SEED ?? 1) });

/** Loads the files before the first test starts, and calls `done` after the last test: not if a test ends the process. */
export function runTogether(files, done) {
  const loading = loadAll(files);
  // The hook keeps tests waiting also where a name pattern leaves out the test, and the test shows how long the loading took.
  before(() => loading);
  test(`${files.length} files load`, async () => {
    const failures = await loading;
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} files could not be loaded`);
  });
  watchProcess();
  after(done);
}

async function loadAll(files) {
  const failures = [];
  for (const file of files) {
    try {
      await import(file);
    } catch (cause) {
      failures.push(new Error(`${file} could not be loaded`, { cause }));
    }
  }
  return failures;
}

/** Fails the group if a test leaves the process changed, since the tests of other files run in it. */
function watchProcess() {
  const initial = stateOfProcess();
  let current = 'A file that was loaded';
  let culprit;
  const look = () => {
    if (!culprit && !isDeepStrictEqual(stateOfProcess(), initial)) culprit = current;
  };
  beforeEach(({ name }) => {
    look();
    current = `The test "${name}"`;
  });
  after(() => {
    look();
    if (culprit) throw new Error(`${culprit} left the environment, the working directory or a signal handler changed.`);
  });
}

function stateOfProcess() {
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => process.listenerCount(signal));
  return { env: { ...process.env }, folder: process.cwd(), handlers };
}
