// The use cases on an engine in memory, with every fault at each of their calls:
//
//   npm run test:matrix [-- --cells 40000 | --all] [--seed 7]
//   npm run test:matrix -- --cell 'start-first: kill at call 12, after, recover'
import { parseArgs } from 'node:util';
import { tryCell } from './cell.ts';
import { cellNamed } from './cells.ts';
import { endText, repeatText, runMatrix } from './run.ts';

const { values } = parseArgs({
  options: {
    cells: { type: 'string', default: '20000' },
    all: { type: 'boolean', default: false },
    seed: { type: 'string' },
    cell: { type: 'string' },
  },
});

async function tryMany(): Promise<boolean> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));
  const end = await runMatrix(values.all ? 0 : Number(values.cells), seed);
  for (const { cell, why } of end.failed) {
    console.log(`${cell}: ${why.split('\n')[0]}`);
    console.log(`  ${repeatText(cell)}`);
  }
  console.log(`${endText(end)}; seed ${seed}`);
  return end.failed.length === 0;
}

async function tryOne(text: string): Promise<boolean> {
  const cell = await cellNamed(text);
  if (!cell) throw new Error(`there is no cell "${text}"`);
  const result = await tryCell(cell);
  console.log(result.safe ? `safe: ${result.outcome}` : result.why);
  return result.safe;
}

const safe = await (values.cell === undefined ? tryMany() : tryOne(values.cell));
process.exitCode = safe ? 0 : 1;
