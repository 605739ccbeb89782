// The import law of the house, as a test: who may know whom.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url));
const LONGEST_FILE = 330;

interface SourceFile {
  readonly name: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly { readonly target: string; readonly typeOnly: boolean }[];
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map(read);

/** The rooms, and which others each may import from. A room is a folder of src/, or a file at its top. */
const LAW: Record<string, readonly string[]> = {
  core: ['core'],
  'ports.ts': ['core'],
  roll: ['roll', 'ports.ts', 'core'],
  'app.ts': ['roll', 'ports.ts', 'core'],
  docker: ['docker', 'ports.ts', 'core'],
  traffic: ['traffic', 'ports.ts', 'core'],
  system: ['system', 'ports.ts', 'core'],
  fronts: ['fronts', 'app.ts', 'core'],
  'wire.ts': ['docker', 'traffic', 'system', 'ports.ts', 'core'],
  'main.ts': ['wire.ts', 'app.ts', 'ports.ts', 'fronts'],
};

test('every room imports only from those that it may know', () => {
  const broken = files.flatMap((file) => {
    const allowed = LAW[file.room];
    if (!allowed) return [`${file.name} stands in no known room`];
    return local(file).flatMap((target) =>
      allowed.includes(roomOf(target)) ? [] : [`${file.name} imports ${target}`],
    );
  });
  assert.deepEqual(broken, []);
});

test('the core is pure: no Node, no packages, no clock, no process, no chance', () => {
  const impure = files
    .filter(({ room }) => room === 'core')
    .flatMap(({ name, text, imports }) => {
      const foreign = imports
        .filter(({ target }) => !target.startsWith('.'))
        .map(({ target }) => `${name} imports ${target}`);
      const effects = /\b(Date\.now\(|new Date\(\)|process\.|Math\.random\(|setTimeout\(|fetch\()/.exec(text);
      return effects ? [...foreign, `${name} uses ${effects[0]}`] : foreign;
    });
  assert.deepEqual(impure, []);
});

test('dockerode is seen only behind the engine port', () => {
  assert.deepEqual(strangers(/^(dockerode|docker-modem)/, 'docker'), []);
});

test('only main ends the process, and only adapters look at the clock', () => {
  const exits = files.filter(({ name, text }) => name !== 'main.ts' && /process\.(exit\(|exitCode)/.test(text));
  assert.deepEqual(
    exits.map(({ name }) => name),
    [],
  );
  const adapters = new Set(['docker', 'system', 'traffic']);
  const clocks = files.filter(
    ({ room, text }) => !adapters.has(room) && room !== 'fronts' && /\bDate\.now\(/.test(text),
  );
  assert.deepEqual(
    clocks.map(({ name }) => name),
    [],
  );
});

test('no two files need each other', () => {
  assert.deepEqual(cycles(), []);
});

test('files stay short enough to read in one go', () => {
  const long = files.filter(({ text }) => text.split('\n').length > LONGEST_FILE);
  assert.deepEqual(
    long.map(({ name }) => name),
    [],
  );
});

function read(name: string): SourceFile {
  const text = readFileSync(path.join(SOURCE, name), 'utf8');
  const statements = [...text.matchAll(/^(?:import|export)\s(type\s)?[^;]*?from\s+'([^']+)'/gms)];
  const dynamic = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, target = '']) => ({ target, typeOnly: false }));
  const imports = statements.map(([, type, target = '']) => ({ target, typeOnly: type !== undefined }));
  return { name, room: roomOf(name), text, imports: [...imports, ...dynamic] };
}

function roomOf(name: string): string {
  return name.split('/')[0] ?? name;
}

/** What a file imports of our own, as names below src/. */
function local(file: SourceFile, values = false): string[] {
  return file.imports
    .filter(({ target, typeOnly }) => target.startsWith('.') && !(values && typeOnly))
    .map(({ target }) => path.join(path.dirname(file.name), target));
}

function strangers(packages: RegExp, room: string): string[] {
  const users = files.filter((file) => file.room !== room && file.imports.some(({ target }) => packages.test(target)));
  return users.map(({ name }) => name);
}

// Types are gone at run time, so only imports of values can make a cycle.
function cycles(): string[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) return void found.push([...path.slice(path.indexOf(name)), name].join(' → '));
    const file = byName.get(name);
    if (!file || done.has(name)) return;
    for (const target of local(file, true)) visit(target, [...path, name]);
    done.add(name);
  };
  for (const file of files) visit(file.name, []);
  return found;
}
