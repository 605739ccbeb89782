// The loop's requirements of the Host port: the same statements about a process in memory and about this one.
import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import type { Host } from '../../src/ports/host.ts';

/** The behaviour of a machine that a process in memory lacks. */
export const NOT_MODELLED = [
  'swapctl in a container: containerId and the call of the program',
  'pids that are used again, zombies, and pid namespaces',
  'logins, and paths of files: there is one YAML file, at every path',
] as const;

/** A process, and others. */
export interface Stage {
  readonly host: Host;
  /** Another process on this machine that lives until it is ended. */
  another(): Promise<{ readonly holder: string; end(): Promise<void> }>;
  /** The holder of a process on another machine. */
  elsewhere(): string;
}

type Rule = (stage: Stage) => Promise<void>;

/** Declares the contract for one kind of process. */
export function hostContract(what: string, open: (t: TestContext) => Stage, skip: string | false = false): void {
  suite(`the host port: ${what}`, { skip }, () => {
    for (const [name, rule] of Object.entries(RULES)) test(name, async (t) => rule(open(t)));
  });
}

const RULES: Record<string, Rule> = {
  'a process knows that it lives': async ({ host }) => {
    assert.equal(host.isAlive(host.holder), true);
  },
  'another process lives until its end': async ({ host, another }) => {
    const { holder, end } = await another();
    assert.notEqual(holder, host.holder);
    assert.equal(host.isAlive(holder), true);
    await end();
    assert.equal(host.isAlive(holder), false);
  },
  'the state of a process on another machine is unknown': async ({ host, elsewhere }) => {
    assert.equal(host.isAlive(elsewhere()), undefined);
  },
  'ids of rolls are 12 hex digits, and never the same': async ({ host }) => {
    const ids = Array.from({ length: 100 }, () => host.randomId());
    for (const id of ids) assert.match(id, /^[0-9a-f]{12}$/);
    assert.equal(new Set(ids).size, ids.length);
  },
  'a text has the SHA-256 of its UTF-8': async ({ host }) => {
    assert.equal(host.sha256('é'), '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c');
  },
  'a file that is not there reads as undefined': async ({ host }) => {
    assert.equal(await host.readYaml('/no/such/file.yml'), undefined);
  },
};
