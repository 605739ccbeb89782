// Decisions about services that are built from a branch.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { madeUp, update } from '../made-up.ts';

const [FIRST, SECOND] = ['a'.repeat(40), 'b'.repeat(40)];
const FROM_GIT = { 'swapctl.enable': 'true', 'swapctl.build.git': 'https://me:s3cret@example.org/shop.git#main' };

/** A world with a service built from a branch, and rolled to its first commit. */
async function built() {
  const made = madeUp();
  made.add('web', FROM_GIT);
  made.commit = FIRST;
  const { lines } = await update(made);
  return { made, lines };
}

suite('a service that is built from a branch', () => {
  test('goes to its newest commit, and asks no registry', async () => {
    const { made, lines } = await built();
    assert.match(lines.web ?? '', /^updated/);
    const again = await update(made);
    assert.deepEqual(again.rolls, []);
    assert.equal(again.lines.web, 'current: it was built from aaaaaaaaaaaa of https://example.org/shop.git#main');
    made.commit = SECOND;
    const { report } = await update(made, { dryRun: true });
    assert.equal(report.services[0]?.to?.digest, `commit:${SECOND}`);
    assert.deepEqual(new Set(made.asked), new Set(['head https://example.org/shop.git']));
  });

  test('follows a branch that was moved back, which is a new commit as every other', async () => {
    const { made } = await built();
    made.commit = SECOND;
    await update(made);
    made.commit = FIRST;
    assert.deepEqual((await update(made)).rolls, ['web']);
  });

  test('does not try a commit again that failed, until the branch moves', async () => {
    const { made } = await built();
    made.commit = SECOND;
    made.fail('web', `commit:${SECOND}`);
    const held = await update(made);
    assert.deepEqual(held.rolls, []);
    assert.match(held.lines.web ?? '', /^held: it was tried here/);
    made.commit = 'c'.repeat(40);
    made.now += 24 * 3_600_000;
    assert.deepEqual((await update(made)).rolls, ['web']);
  });

  test('says that its repository is away, and nothing that is secret', async () => {
    const { made } = await built();
    made.commit = undefined;
    const { report } = await update(made);
    assert.equal(report.services[0]?.error?.code, 'source-unreachable');
    assert.doesNotMatch(JSON.stringify(report), /s3cret/);
  });

  test('takes the repository of the command line for that of its label', async () => {
    const { made } = await built();
    await update(made, { overrides: { 'build.git': '/srv/other.git' } });
    assert.equal(made.asked.at(-1), 'head /srv/other.git');
  });
});
