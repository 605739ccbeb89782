// npm run reference [-- --check]: writes the generated parts of the documentation, or reports the files that are out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dependencies, root } from './prepare/npm.mjs';
import { exitWith, Failure } from './shell.mjs';

/** The generated parts of each file, keyed by the name in their marks. */
async function parts() {
  const { register } = await import('tsx/esm/api');
  const unregister = register();
  try {
    const { commandParts } = await import('./reference/commands.mjs');
    const { settingParts } = await import('./reference/settings.mjs');
    const { statusParts } = await import('./reference/statuses.mjs');
    return {
      'docs/reference/commands.md': await commandParts(),
      'docs/reference/settings.md': await settingParts(),
      'docs/guide/server/grpc.md': await statusParts(),
    };
  } finally {
    await unregister();
  }
}

/** The text with its generated parts replaced. */
export function filled(text, generated, file) {
  let result = text;
  for (const [name, part] of Object.entries(generated)) {
    const [begin, end] = [`<!-- npm run reference: ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [result.indexOf(begin), result.indexOf(end)];
    if (from < 0 || to < from) throw new Failure(`${file} has no part between ${begin} and ${end}`);
    result = `${result.slice(0, from + begin.length)}\n${part.trim()}\n${result.slice(to)}`;
  }
  return result;
}

/** The files that are out of date, each with its new text. */
export async function outdated() {
  return Object.entries(await parts()).flatMap(([file, generated]) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const wanted = filled(text, generated, file);
    return wanted === text ? [] : [{ file, wanted }];
  });
}

async function main() {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  await dependencies();
  const files = await outdated();
  if (values.check && files.length > 0)
    throw new Failure(`out of date: ${files.map(({ file }) => file).join(', ')}; run npm run reference`);
  for (const { file, wanted } of files) {
    writeFileSync(path.join(root, file), wanted);
    console.log(`written: ${file}`);
  }
  return 0;
}

if (process.argv[1] === import.meta.filename) exitWith(main());
