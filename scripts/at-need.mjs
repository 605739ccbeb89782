// Parts of bundled packages that most commands never use, or none should: they stay out of what every command loads. dockerode
// loads gRPC, protobuf, ssh2 and tar with its first line: half of its time and memory.
import path from 'node:path';

/**
 * By who imports them: `false` for what swapctl does itself, a file beside the chunks that holds the part, or what stands for it
 * as `{ code }`.
 */
const PARTS = {
  dockerode: {
    './session': 'session.cjs',
    // The traces of BuildKit are read in src/adapters/docker/calls/trace.ts, contexts are packed in src/adapters/build.
    './buildkit': false,
    'tar-fs': false,
    '@balena/dockerignore': false,
  },
  // ssh:// is dialled by the user's own ssh (src/adapters/docker/connect/ssh.ts): this one is half a megabyte, and builds native code.
  // Each request is turned into a text with all that hangs on it, logins to registries, too, whether or not somebody wants to
  // see it: a tenth of what a roll computes.
  'docker-modem': {
    './ssh': false,
    debug: { code: 'module.exports = () => () => {};' },
    util: { code: "module.exports = { ...require('node:util'), inspect: () => '' };" },
  },
};

/** The files of the parts that are loaded at need, and what goes into each. */
export const PART_FILES = { 'session.cjs': 'node_modules/dockerode/lib/session.js' };

/** A plugin for esbuild. */
export const atNeed = {
  name: 'at need',
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(${Object.values(PARTS).flatMap(Object.keys).map(quoted).join('|')})$`);
    onResolve({ filter }, ({ path: name, importer }) => {
      const [, importing] = /node_modules\/([^/]+)\/[^\\]*$/.exec(importer) ?? [];
      const part = PARTS[importing]?.[name];
      return part === undefined ? undefined : { path: `${importing}/${name}`, namespace: 'at-need', pluginData: part };
    });
    onLoad({ filter: /./, namespace: 'at-need' }, ({ path: name, pluginData: part }) => ({
      contents: part === false ? absent(name) : (part.code ?? standIn(part)),
    }));
    onResolve({ filter: /^\.\/.*\.cjs$/ }, ({ path: file, namespace }) =>
      namespace === 'at-need' && path.basename(file) in PART_FILES ? { path: file, external: true } : undefined,
    );
  },
};

function quoted(text) {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function absent(name) {
  return `module.exports = () => { throw new Error(${JSON.stringify(`${name} is not part of swapctl`)}); };`;
}

/** A module that is called, or asked for a property, as the real one would be. */
function standIn(part) {
  return `
let real;
const load = () => (real ??= require(${JSON.stringify(`./${part}`)}));
module.exports = new Proxy(function () {}, {
  get: (_, name) => load()[name],
  apply: (_, self, args) => Reflect.apply(load(), self, args),
  construct: (_, args) => Reflect.construct(load(), args),
});`;
}
