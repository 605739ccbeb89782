// Loaded into swapctl before its own code (node --import), by cli.ts: with each line of progress it tells the test so on file
// descriptor 3, and stands still, as a process that is not scheduled does, until it is told to go on.
import { readSync, writeSync } from 'node:fs';

const TEST = 3;
const answer = Buffer.alloc(1);
const write = process.stderr.write.bind(process.stderr);

process.stderr.write = (text, ...rest) => {
  const more = write(text, ...rest);
  for (const line of String(text).split('\n').filter(Boolean)) {
    writeSync(TEST, `${line}\n`);
    // The test is gone: so would be a terminal.
    if (readSync(TEST, answer) === 0) process.kill(process.pid, 'SIGKILL');
  }
  return more;
};
