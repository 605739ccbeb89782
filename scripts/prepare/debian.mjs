// Downloads Debian packages with an apt that has its own state: it neither reads nor changes what is installed here.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../shell.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Fetches what several sets of packages of one suite need, each file once; returns the .deb files of each set. */
export async function fetchPackages(suite, sets, folder, run) {
  const apt = await privateApt(suite, folder, run);
  await apt('update');
  const filesOfSets = [];
  for (const { packages, closure } of sets) {
    const wanted = closure ? ['install', '-y', ...packages] : ['download', ...packages];
    filesOfSets.push(fileNames(await apt('--print-uris', ...wanted)));
  }
  const archives = path.join(folder, 'archives');
  mkdirSync(archives);
  await apt('download', ...new Set(filesOfSets.flat().map(packageOf)));
  return filesOfSets.map((files) => files.map((file) => path.join(archives, file)));
}

async function privateApt(suite, folder, run) {
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'parts']) {
    mkdirSync(path.join(folder, name), { recursive: true });
  }
  // An empty list of installed packages: the closure must not lack what this machine happens to have.
  writeFileSync(path.join(folder, 'status'), '');
  const settings = {
    ...(suite === 'machine' ? {} : await sourceSettings(suite, folder, run)),
    'Dir::State': path.join(folder, 'state'),
    'Dir::State::status': path.join(folder, 'status'),
    'Dir::Cache': path.join(folder, 'cache'),
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  return (...args) => {
    const cwd = args[0] === 'download' ? path.join(folder, 'archives') : folder;
    return run('apt-get', [...options, '-qq', ...args], { cwd });
  };
}

async function sourceSettings(suite, folder, run) {
  writeFileSync(path.join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${await mirror(run)} ${suite} main\n`);
  return {
    'Dir::Etc::sourcelist': path.join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': path.join(folder, 'parts'),
    'Dir::Etc::preferencesparts': path.join(folder, 'parts'),
    // A mirror may lag behind; its index is signed all the same.
    'Acquire::Check-Valid-Until': 'false',
  };
}

/** apt knows where this machine gets Debian from, whatever format its sources have. */
async function mirror(run) {
  const lines = await run('apt-get', ['indextargets', '--format', '$(ORIGIN)|$(LABEL)|$(REPO_URI)']);
  const [, uri] = /^Debian\|Debian\|(.+)$/m.exec(lines) ?? [];
  if (!uri)
    throw new Failure('apt on this machine knows no Debian mirror: add one to its sources, and run apt-get update');
  return uri;
}

/** Lines such as `'http://…/libgmp10_6.3.0%2bdfsg-3_amd64.deb' libgmp10_2%3a6.3.0+dfsg-3_amd64.deb 560220 MD5Sum:…`. */
function fileNames(uris) {
  return [...uris.matchAll(/^'[^']+' (\S+\.deb) /gm)].map(([, file]) => file);
}

function packageOf(file) {
  const [name, version] = file.split('_');
  return `${name}=${decodeURIComponent(version)}`;
}
