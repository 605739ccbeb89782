import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { suite } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Packages that a folder may import: by name, those of Node, or any. */
type Packages = 'none' | 'node' | 'any' | readonly string[];

/**
 * The import law of the house (docs/architecture.md): which folder may import from which others, type imports included. A name
 * stands for the folders in it as well, and each folder may import from itself.
 */
const LAW: Record<string, { readonly knows: readonly string[]; readonly packages: Packages }> = {
  // The base of all other code.
  'core/model': { knows: ['core/service', 'core/settings'], packages: 'none' },
  'core/text': { knows: ['core/model', 'core/report'], packages: 'none' },
  'core/text/encode': { knows: ['core/model', 'core/text'], packages: 'none' },
  'core/service': { knows: ['core/model', 'core/recreate', 'core/text', 'core/update'], packages: 'none' },
  'core/settings': {
    knows: [
      'core/access',
      'core/build',
      'core/model',
      'core/proxy',
      'core/inventory',
      'core/report',
      'core/text',
      'core/update',
      'core/webhooks',
    ],
    packages: 'none',
  },
  // Hosts and groups of hosts of swapctl.yml.
  'core/inventory': { knows: ['core/model', 'core/text'], packages: 'none' },
  // The roll of a service on a group of hosts.
  'core/group': {
    knows: ['core/inventory', 'core/model', 'core/report', 'core/text/encode', 'core/update'],
    packages: 'none',
  },
  // Services of a Swarm, and the verdict on their updates.
  'core/swarm': {
    knows: ['core/health', 'core/model', 'core/service', 'core/settings', 'core/text'],
    packages: 'none',
  },
  // Callers, senders and metrics of `swapctl serve`.
  'core/access': { knows: ['core/model', 'core/text'], packages: 'none' },
  'core/webhooks': { knows: ['core/model', 'core/settings', 'core/update', 'core/webhooks/senders'], packages: 'none' },
  'core/webhooks/senders': { knows: ['core/model', 'core/webhooks'], packages: 'none' },
  'core/metrics': { knows: ['core/model', 'core/report', 'core/text', 'core/update'], packages: 'none' },
  'core/trace': { knows: ['core/report', 'core/rollout', 'core/text'], packages: 'none' },
  'core/strategy': { knows: ['core/model', 'core/recreate', 'core/settings', 'core/traffic'], packages: 'none' },
  'core/traffic': { knows: ['core/model'], packages: 'none' },
  // Routes of a proxy in front of services.
  'core/proxy': { knows: ['core/model', 'core/service', 'core/settings', 'core/text'], packages: 'none' },
  'core/health': {
    knows: ['core/model', 'core/rollout', 'core/service', 'core/settings', 'core/text'],
    packages: 'none',
  },
  'core/recreate': { knows: ['core/model', 'core/service'], packages: 'none' },
  'core/rollout': {
    knows: [
      'core/health',
      'core/model',
      'core/proxy',
      'core/service',
      'core/settings',
      'core/strategy',
      'core/text',
      'core/traffic',
    ],
    packages: 'none',
  },
  // Ranges of versions, and patterns that take linear time: pure computation.
  'core/update': {
    knows: [
      'core/health',
      'core/model',
      'core/report',
      'core/service',
      'core/settings',
      'core/text',
      'core/text/encode',
    ],
    packages: ['semver', 're2js'],
  },
  'core/build': { knows: ['core/model', 'core/text'], packages: 'none' },
  'core/report': {
    knows: ['core/model', 'core/proxy', 'core/rollout', 'core/service', 'core/settings', 'core/text'],
    packages: 'none',
  },
  ports: { knows: ['core'], packages: 'none' },
  // The use cases. Each may know the ports and all of the core.
  app: { knows: ['app', 'ports', 'core'], packages: 'none' },
  'app/select': { knows: ['app/rollout', 'ports', 'core'], packages: 'none' },
  'app/image': {
    knows: ['app/recovery', 'app/rollout', 'app/rollout/steps', 'app/select', 'ports', 'core'],
    packages: 'none',
  },
  'app/lock': {
    knows: ['app/compose', 'app/image', 'app/rollout/steps', 'app/select', 'ports', 'core'],
    packages: 'none',
  },
  'app/traffic': { knows: ['app/rollout', 'app/select', 'ports', 'core'], packages: 'none' },
  // The proxy in front of a service that swapctl drives.
  'app/proxy': { knows: ['app/rollout', 'app/select', 'app/traffic', 'ports', 'core'], packages: 'none' },
  'app/compose': {
    knows: ['app/lock', 'app/rollout', 'app/rollout/steps', 'app/select', 'ports', 'core'],
    packages: 'none',
  },
  'app/rollout': {
    knows: [
      'app/compose',
      'app/image',
      'app/lock',
      'app/proxy',
      'app/recovery',
      'app/report',
      'app/rollout/steps',
      'app/select',
      'app/traffic',
      'app/update',
      'ports',
      'core',
    ],
    packages: 'none',
  },
  'app/rollout/steps': {
    knows: [
      'app/compose',
      'app/lock',
      'app/proxy',
      'app/recovery',
      'app/rollout',
      'app/select',
      'app/traffic',
      'ports',
      'core',
    ],
    packages: 'none',
  },
  'app/recovery': {
    knows: [
      'app/compose',
      'app/image',
      'app/lock',
      'app/proxy',
      'app/report',
      'app/rollout',
      'app/rollout/steps',
      'app/select',
      'app/traffic',
      'app/update',
      'ports',
      'core',
    ],
    packages: 'none',
  },
  'app/report': { knows: ['app/rollout', 'app/rollout/steps', 'app/select', 'ports', 'core'], packages: 'none' },
  'app/inspect': {
    knows: [
      'app/compose',
      'app/image',
      'app/lock',
      'app/proxy',
      'app/recovery',
      'app/report',
      'app/rollout',
      'app/rollout/steps',
      'app/select',
      'app/traffic',
      'ports',
      'core',
    ],
    packages: 'none',
  },
  'app/update': {
    knows: [
      'app/image',
      'app/inspect',
      'app/lock',
      'app/recovery',
      'app/report',
      'app/rollout',
      'app/rollout/steps',
      'app/select',
      'app/target',
      'app/traffic',
      'ports',
      'core',
    ],
    packages: 'none',
  },
  // The system that runs services; below updates, holds and reports.
  'app/target': {
    knows: ['app/inspect', 'app/recovery', 'app/rollout', 'app/select', 'app/traffic', 'app/update', 'ports', 'core'],
    packages: 'none',
  },
  // Swarm services: a loop of their own, beside that of containers.
  'app/swarm': {
    knows: ['app/image', 'app/report', 'app/select', 'app/target', 'app/update', 'ports', 'core'],
    packages: 'none',
  },
  'app/dev': {
    knows: ['app/image', 'app/report', 'app/rollout', 'app/rollout/steps', 'app/select', 'ports', 'core'],
    packages: 'none',
  },
  // One host in a group of hosts: locked before the first host is rolled.
  'app/hold': {
    knows: [
      'app/inspect',
      'app/lock',
      'app/recovery',
      'app/report',
      'app/rollout',
      'app/select',
      'app/traffic',
      'app/update',
      'ports',
      'core',
    ],
    packages: 'none',
  },
  // The use cases over several hosts.
  'app/group': { knows: ['app', 'app/report', 'ports', 'core'], packages: 'none' },
  // Jobs over the use cases, for fronts that outlive a call.
  'app/jobs': { knows: ['app', 'core'], packages: 'none' },
  // Safe opening of files that users name, shared by every adapter.
  'adapters/files': { knows: [], packages: 'node' },
  // The record of an adapter's calls, for a trace.
  'adapters/trace': { knows: ['core'], packages: 'node' },
  'adapters/config': { knows: ['ports', 'core', 'adapters/files'], packages: 'any' },
  'adapters/docker': { knows: ['ports', 'core', 'adapters/files', 'adapters/trace'], packages: 'any' },
  'adapters/registry': { knows: ['ports', 'core', 'adapters/files', 'adapters/trace'], packages: 'any' },
  'adapters/build': { knows: ['ports', 'core', 'adapters/files'], packages: 'any' },
  'adapters/notify': { knows: ['ports', 'core', 'adapters/files'], packages: 'any' },
  'adapters/host': { knows: ['ports', 'core', 'adapters/files'], packages: 'any' },
  'adapters/traffic': { knows: ['ports', 'core', 'adapters/files', 'adapters/trace'], packages: 'node' },
  // The one proxy whose configuration is YAML.
  'adapters/traffic/traefik': { knows: ['ports', 'core', 'adapters/traffic'], packages: ['js-yaml', 'node:timers'] },
  // Programs that run until they are stopped, with the times of their work.
  daemons: { knows: ['app', 'core'], packages: 'none' },
  'daemons/watch': { knows: ['app', 'core', 'daemons'], packages: 'node' },
  'daemons/dev': { knows: ['app', 'core', 'daemons'], packages: 'none' },
  // Text for people and programs, which the command line and the Action share.
  'fronts/terminal': { knows: ['core', 'daemons'], packages: 'any' },
  'fronts/common': { knows: ['app', 'core', 'daemons', 'fronts/terminal'], packages: 'node' },
  'fronts/cli': {
    knows: ['app', 'core', 'daemons', 'adapters/files', 'fronts/cli/serve', 'fronts/common', 'fronts/terminal'],
    packages: ['commander', 'node:fs/promises', 'node:path'],
  },
  // The only command that starts another front.
  'fronts/cli/serve': {
    knows: [
      'app',
      'core',
      'daemons',
      'adapters/files',
      'fronts/cli',
      'fronts/common',
      'fronts/server',
      'fronts/terminal',
    ],
    packages: ['commander', 'node:crypto', 'node:path'],
  },
  // The use cases of a server elsewhere, as an App.
  'fronts/client': { knows: ['app', 'core'], packages: 'any' },
  'fronts/server': { knows: ['app', 'app/jobs', 'core', 'daemons', 'adapters/files'], packages: 'any' },
  'fronts/action': { knows: ['app', 'core', 'fronts/common', 'fronts/terminal', 'adapters/files'], packages: 'node' },
  // Builds the adapters and passes them on, for the program and for tests.
  wiring: {
    knows: [
      'adapters/config',
      'adapters/docker',
      'adapters/registry',
      'adapters/traffic',
      'adapters/build',
      'adapters/notify',
      'adapters/host',
      'adapters/trace',
      'ports',
      'core',
    ],
    packages: 'node',
  },
  // The program, and a step of a workflow.
  'action.ts': { knows: ['wiring', 'fronts', 'app', 'adapters/host'], packages: 'node' },
  'main.ts': { knows: ['wiring', 'fronts', 'daemons', 'app', 'ports', 'core', 'adapters/host'], packages: 'node' },
};

const MOST_FILES = 15;
const MOST_LINES = 320;
const MOST_FUNCTION_LINES = 60;

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

interface Import {
  readonly from: string;
  readonly to: string;
  /** Erased together with the types. */
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort();
const sources = new Map(files.map((file) => [file, readFileSync(path.join(SRC, file), 'utf8')]));
const imports = [...sources].flatMap(([file, source]) => importsOf(file, source));

suite('the import law', () => {
  test('every folder and file at the top has its place in it', () => {
    assert.deepEqual(
      [...new Set(files.map(room))].filter((name) => LAW[name] === undefined),
      [],
    );
  });

  for (const [name, { knows, packages }] of Object.entries(LAW)) {
    test(`${name} knows ${knows.length > 0 ? knows.join(', ') : 'only itself'}`, () => {
      const wrong = imports
        .filter(({ from }) => room(from) === name)
        .filter(({ to }) => (isLocal(to) ? !isKnown([name, ...knows], room(to)) : !allows(packages, to)));
      assert.deepEqual(wrong.map(tell), []);
    });
  }

  test('of the core, the ports know types only', () => {
    assert.deepEqual(imports.filter(({ from, typeOnly }) => room(from) === 'ports' && !typeOnly).map(tell), []);
  });

  test('dockerode is seen only in adapters/docker/', () => {
    const wrong = imports.filter(
      ({ from, to }) => /^(dockerode|docker-modem)\b/.test(to) && room(from) !== 'adapters/docker',
    );
    assert.deepEqual(wrong.map(tell), []);
  });

  test('there are no cycles, and type imports count', () => {
    assert.deepEqual(cycles(imports.filter(({ to }) => isLocal(to))), []);
  });
});

suite('the world comes in through ports', () => {
  const CLOCK = /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/;

  test('nobody but the clock asks what time it is', () => {
    const asking = matching(CLOCK).filter((file) => room(file) !== 'adapters/host');
    // It measures the clock of the engine against this one.
    assert.deepEqual(asking, ['adapters/docker/engine/facts.ts']);
  });

  test('the core and the loop read no environment, roll no dice, set no timers and print nothing', () => {
    const worldly =
      /\bprocess\b[.[]|\bMath\.random\b|\bcrypto\b|\bset(Timeout|Interval|Immediate)\b|\bfetch\(|\bconsole\b/;
    assert.deepEqual(
      matching(worldly).filter((file) => ['core', 'ports', 'app'].includes(file.split('/')[0] ?? '')),
      [],
    );
  });

  test('files that others name are opened in one place', () => {
    const reading = matching(/\b(readFile|readFileSync|createReadStream|openSync)\b|\bopen(dir)?,? .*node:fs/);
    // The others read the kernel's data in /proc.
    const kernel = [
      'adapters/host/host.ts',
      'adapters/host/traffic.ts',
      'adapters/traffic/nftables/address-redirect.ts',
      'adapters/traffic/nftables/nft-kernel.ts',
    ];
    // These write a proxy's file, and walk in the file system of its container.
    const proxy = ['adapters/traffic/access/inside.ts', 'adapters/traffic/access/write.ts'];
    assert.deepEqual(
      reading.filter((file) => room(file) !== 'adapters/files' && ![...kernel, ...proxy].includes(file)),
      ['adapters/build/walk.ts'],
    );
  });

  test('only the entry points end the process, and nobody prints behind their back', () => {
    assert.deepEqual(matching(/\bprocess\.(exit|exitCode|abort)\b/), ['action.ts', 'main.ts']);
    assert.deepEqual(matching(/\bconsole\.\w+\(/), []);
    assert.deepEqual(matching(/\bprocess\.(stdout|stderr)\b/), ['action.ts', 'main.ts']);
  });
});

suite('size', () => {
  test(`no folder has more than ${MOST_FILES} files`, () => {
    const folders = countsOf(files.map((file) => path.dirname(file)));
    assert.deepEqual(
      [...folders].filter(([, count]) => count > MOST_FILES),
      [],
    );
  });

  test(`no file has more than ${MOST_LINES} lines`, () => {
    const long = [...sources].map(([file, source]) => [file, source.split('\n').length - 1] as const);
    assert.deepEqual(
      long.filter(([, lines]) => lines > MOST_LINES),
      [],
    );
  });

  test(`no function has more than ${MOST_FUNCTION_LINES} lines`, () => {
    const long = [...sources].flatMap(([file, source]) => functions(source).map((one) => ({ file, ...one })));
    assert.ok(long.length > 500, 'functions are found');
    assert.deepEqual(
      long.filter(({ lines }) => lines > MOST_FUNCTION_LINES),
      [],
    );
  });
});

suite('this test', () => {
  test('sees every form of import', () => {
    const source = [
      "import { a } from './a.ts';",
      "import type { B } from './b.ts';",
      "import {\n  type C,\n} from '../c.ts';",
      "export * from './d.ts';",
      "import './e.ts';",
      "const f = await import('./f.ts');",
      "// import { g } from './g.ts';",
    ].join('\n');
    assert.deepEqual(
      importsOf('app/x.ts', source).map(({ to, typeOnly }) => `${to}${typeOnly ? ' (type)' : ''}`),
      ['app/a.ts', 'app/b.ts (type)', 'c.ts', 'app/d.ts', 'app/e.ts', 'app/f.ts'],
    );
  });

  test('finds cycles', () => {
    const edge = (from: string, to: string): Import => ({ from, to, typeOnly: false });
    assert.deepEqual(cycles([edge('a', 'b'), edge('b', 'c'), edge('a', 'c')]), []);
    assert.deepEqual(cycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'b')]), ['b -> c -> b']);
  });

  test('measures functions, methods and arrows, and not what merely has braces', () => {
    const source =
      'export function a() {\n  if (x) {\n    y();\n  }\n}\nconst b = async () => {\n  c();\n};\nclass D {\n  #e(f: string): void {\n  }\n}\n';
    assert.deepEqual(
      functions(source).map(({ lines }) => lines),
      [5, 3, 2],
    );
  });
});

/** The folder or file of the law that a file belongs to, else its top-level folder. */
function room(file: string): string {
  const parts = file.split('/');
  const folders = parts.map((_, at) => parts.slice(0, parts.length - at).join('/'));
  return folders.find((folder) => LAW[folder] !== undefined) ?? parts[0] ?? '';
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function isKnown(known: readonly string[], to: string): boolean {
  return known.some((name) => to === name || to.startsWith(`${name}/`));
}

function isLocal(target: string): boolean {
  return target.endsWith('.ts');
}

function allows(packages: Packages, target: string): boolean {
  if (typeof packages !== 'string') return packages.some((name) => target === name || target.startsWith(`${name}/`));
  return packages === 'any' || (packages === 'node' && target.startsWith('node:'));
}

function tell({ from, to }: Import): string {
  return `${from} -> ${to}`;
}

function importsOf(file: string, source: string): Import[] {
  const statements = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm;
  return [...withoutComments(source).matchAll(statements)].map(([, type, named, lazy]) => {
    const target = named ?? lazy ?? '';
    const to = target.startsWith('.') ? path.posix.join(path.posix.dirname(file), target) : target;
    return { from: file, to, typeOnly: type !== undefined };
  });
}

function matching(pattern: RegExp): string[] {
  return files.filter((file) => pattern.test(withoutComments(sources.get(file) ?? '')));
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** One path round each group of files that import each other. */
function cycles(edges: readonly Import[]): string[] {
  const targets = new Map<string, Import[]>();
  for (const edge of edges) targets.set(edge.from, [...(targets.get(edge.from) ?? []), edge]);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) found.push([...trail.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

// By the formatter's indentation: a function ends with the first brace at the depth of the line that opened its body.
function functions(source: string): { line: number; lines: number }[] {
  const lines = source.split('\n');
  return lines.flatMap((text, at) => {
    const isFunction =
      /(\bfunction\b.*|=>|^\s+(?!(if|for|while|switch|catch|else|do|try)\b)[\w#][\w# ]*\(.*\).*|^\s*\).*) \{$/.test(
        text,
      );
    if (!isFunction) return [];
    const indent = text.length - text.trimStart().length;
    const end = lines.findIndex((other, n) => n > at && other.startsWith(`${' '.repeat(indent)}}`));
    return [{ line: at + 1, lines: end - at + 1 }];
  });
}
