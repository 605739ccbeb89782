// A docker run in the foreground waits for the end of this very container.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Container, ContainerConfig, HostConfig } from '../../../src/core/model/container.ts';
import { whyAttached } from '../../../src/core/service/attached.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { container } from '../builders.ts';
import { own } from '../own.ts';

// As docker creates them: only the foreground attaches, and stdin is closed with its only client.
const INPUT = { AttachStdin: true, OpenStdin: true, StdinOnce: true };
const OUTPUT = { AttachStdout: true, AttachStderr: true };
const made = (config: ContainerConfig, host: HostConfig = {}): Container => container({ name: 'web', config, host });

suite('a docker run in the foreground', () => {
  const waited: readonly [what: string, container: Container, message: RegExp][] = [
    ['-it', made({ ...INPUT, ...OUTPUT, Tty: true }), /^web is an interactive docker run \(-i\)/],
    ['-i --rm, with a pipe at its input', made({ ...INPUT, ...OUTPUT }, { AutoRemove: true }), /interactive/],
    ['--rm', made(OUTPUT, { AutoRemove: true }), /^web is a docker run --rm in the foreground/],
    ['--rm -a stderr', made({ AttachStderr: true }, { AutoRemove: true }), /--rm in the foreground/],
    ['--rm -a stdin -i', made(INPUT, { AutoRemove: true, RestartPolicy: { Name: 'no' } }), /interactive/],
  ];
  for (const [what, one, message] of waited)
    test(`${what} is not rolled unasked`, () => {
      const why = whyAttached(one, own({}));
      assert.match(why?.message ?? '', message);
      assert.match(why?.hint ?? '', /enable it in swapctl\.yml/);
    });
});

suite('nobody waits for', () => {
  const free: readonly [what: string, container: Container, labels?: Record<string, string>][] = [
    ['docker run -d', made({})],
    ['docker run -d -it', made({ OpenStdin: true, Tty: true })],
    ['docker run -d --rm', made({}, { AutoRemove: true })],
    [
      'a docker run that is to be started again',
      made({ ...INPUT, ...OUTPUT }, { RestartPolicy: { Name: 'unless-stopped' } }),
    ],
    ['what other programs create with its output attached', made(OUTPUT)],
    [
      'a service of compose with stdin_open and tty',
      made({ ...OUTPUT, OpenStdin: true, Tty: true }),
      { 'com.docker.compose.container-number': '1' },
    ],
    [
      'what swapctl made, since its docker run has ended',
      made({ ...INPUT, ...OUTPUT }),
      encodeState({ role: 'replica', service: 'web', slot: 'web', history: [] } as never),
    ],
  ];
  for (const [what, one, labels = {}] of free)
    test(what, () => {
      assert.equal(whyAttached(one, own(labels)), undefined);
    });
});
