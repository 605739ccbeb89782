// Programs out of Debian suites other than this machine's: downloaded with an apt that knows nothing of the machine's own
// state, unpacked into the cache, never installed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type Suite = 'bookworm' | 'trixie' | 'sid';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Fetches packages of a suite (with `closure`: and all that they depend on) and hands the folder of .deb files over. */
export function withPackages(
  suite: Suite,
  packages: string[],
  workFolder: string,
  use: (debs: string[]) => void,
  { closure = false } = {},
): void {
  const apt = path.join(workFolder, 'apt');
  rmSync(apt, { recursive: true, force: true });
  for (const folder of ['state/lists/partial', 'cache/archives/partial']) {
    mkdirSync(path.join(apt, folder), { recursive: true });
  }
  // An empty list of installed packages: the closure shall not lack what happens to be on this machine.
  writeFileSync(path.join(apt, 'status'), '');
  writeFileSync(path.join(apt, 'sources.list'), `deb [signed-by=${KEYRING}] ${mirror()} ${suite} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': path.join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::Etc::preferencesparts': '-',
    'Dir::State': path.join(apt, 'state'),
    'Dir::State::status': path.join(apt, 'status'),
    'Dir::Cache': path.join(apt, 'cache'),
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    // A mirror may lag behind; what it has is signed all the same.
    'Acquire::Check-Valid-Until': 'false',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const archives = path.join(apt, 'cache/archives');
  const aptGet = (...args: string[]) =>
    execFileSync('apt-get', [...options, '-qq', ...args], { cwd: archives, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    aptGet('update');
    if (closure) aptGet('-y', '--download-only', 'install', ...packages);
    else aptGet('download', ...packages);
    const debs = readdirSync(archives).filter((name) => name.endsWith('.deb'));
    use(debs.map((name) => path.join(archives, name)));
  } finally {
    rmSync(apt, { recursive: true, force: true });
  }
}

/** Where this machine gets Debian from; apt knows, whatever format its sources are in. */
function mirror(): string {
  const format = ['--format', '$(ORIGIN)|$(LABEL)|$(REPO_URI)'];
  const lines = execFileSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' }).split('\n');
  const found = lines
    .map((line) => line.split('|'))
    .find(([origin, label]) => origin === 'Debian' && label === 'Debian');
  if (!found?.[2]) throw new Error('apt on this machine knows no Debian mirror');
  return found[2];
}
