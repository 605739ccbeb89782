// npm run check: everything that can be said about the code without running it, one line per check.
import path from 'node:path';
import { build } from './build.mjs';
import { dependencies, root } from './prepare/npm.mjs';
import { attempt, exitWith, Failure } from './shell.mjs';

const CHECKS = {
  types: program('tsc', '--noEmit'),
  'format and lint': program('biome', 'ci', '--colors=off'),
  'unused code': program('knip'),
  'build, licences': async () => {
    try {
      await build();
      return { code: 0 };
    } catch (error) {
      if (error instanceof Failure) return { code: 1, output: error.message };
      throw error;
    }
  },
  // After the build, for it looks at what would be published.
  package: program('publint', 'package'),
  release: tested('test/release.test.ts'),
  signatures,
  'import law': tested('test/architecture.test.ts'),
  protobuf: () => attempt(process.execPath, [path.join(root, 'scripts/proto.mjs'), '--check'], { cwd: root }),
  reference: () => attempt(process.execPath, [path.join(root, 'scripts/reference.mjs'), '--check'], { cwd: root }),
};

// npm's keys and sigstore are on the network: where they are out of reach that is said, twice, and only a workflow fails for it.
async function signatures() {
  // Also under `npm run --silent`, which would keep npm from saying why it failed.
  const quick = ['--fetch-retries=0', '--fetch-timeout=20000', '--loglevel=error'];
  const { code, output } = await attempt('npm', ['audit', 'signatures', ...quick], { cwd: root });
  const unreachable =
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b/;
  if (code === 0 || !unreachable.test(output)) return { code, output };
  if (process.env.GITHUB_ACTIONS === 'true') return { code, output };
  const [why = ''] = unreachable.exec(output) ?? [];
  return {
    code: 0,
    skipped:
      `npm's keys or sigstore can't be reached (${why}). NO signature and NO provenance of a package was checked; that each ` +
      'has the digest of package-lock.json is all that is known. Run it again with a network before a release: there it has to pass',
  };
}

function program(name, ...args) {
  return () => attempt(path.join(root, 'node_modules/.bin', name), args, { cwd: root });
}

function tested(file) {
  return () => attempt(process.execPath, ['--import=tsx', '--test', file], { cwd: root });
}

async function main() {
  await dependencies();
  let failed = 0;
  const notChecked = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    const { code, output, skipped } = await check();
    console.log(`${skipped ? 'SKIPPED' : code === 0 ? 'ok    ' : 'FAILED'} ${name}${skipped ? `: ${skipped}` : ''}`);
    if (skipped) notChecked.push(name);
    if (code === 0) continue;
    failed += 1;
    console.log((output.trimEnd() || `it ended with status ${code} and printed nothing`).replace(/^/gm, '       '));
  }
  if (notChecked.length > 0) console.log(`NOT CHECKED: ${notChecked.join(', ')} (see above)`);
  return failed > 0 ? 1 : 0;
}

exitWith(main());
