// The npm packages of this clone. They are installed beside node_modules and renamed into place, as a whole or not at all.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, say } from '../shell.mjs';
import { interruptible, runnerUntil } from './interrupt.mjs';
import { locked } from './lock.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));

const TEMPORARY = '.preparing-';

/** Resolves to true if something had to be installed. */
export async function dependencies() {
  if (areInstalled()) return false;
  const locking = (signal) => locked(root, `installs the npm packages of ${root}`, signal, () => install(signal));
  await interruptible(locking);
  return true;
}

/** npm writes the inner lock file at the end of an install: it is the proof that the install was complete. */
function areInstalled() {
  const installed = modifiedAt(path.join(root, 'node_modules/.package-lock.json'));
  return installed > 0 && modifiedAt(path.join(root, 'package-lock.json')) <= installed;
}

function modifiedAt(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

async function install(signal) {
  // Another process may have installed them while this one waited for the lock.
  if (areInstalled()) return;
  for (const name of readdirSync(root)) if (name.startsWith(TEMPORARY)) remove(path.join(root, name));
  const temporary = mkdtempSync(path.join(root, TEMPORARY));
  const began = Date.now();
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
      copyFileSync(path.join(root, file), path.join(temporary, file));
    }
    await installIn(temporary, runnerUntil(signal));
    if (existsSync(modules(root))) renameSync(modules(root), path.join(temporary, 'old'));
    renameSync(modules(temporary), modules(root));
    say(`npm packages installed in ${Math.round((Date.now() - began) / 1000)} s`);
  } finally {
    remove(temporary);
  }
}

function modules(folder) {
  return path.join(folder, 'node_modules');
}

async function installIn(cwd, run) {
  // Nothing of a package runs before it is used: those that would build something work without.
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts'];
  say(existsSync(modules(root)) ? 'package-lock.json has changed: npm ci' : 'no node_modules yet: npm ci');
  try {
    await run('npm', ['ci', ...quiet], { cwd });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // `npm ci` also insists on the builds for other platforms, which not every mirror has; `npm install` does without.
    say(`npm ci failed (${firstError(error.message)}), trying npm install`);
    await run('npm', ['install', '--no-save', ...quiet], { cwd });
  }
}

function firstError(output) {
  return output.match(/^npm error (?!code)(\S.*)$/m)?.[1] ?? 'for no stated reason';
}

function remove(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
