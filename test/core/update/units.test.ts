import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { UNIT_MARK, type UnitPlace, type UnitWish, unitPlan } from '../../../src/core/update/units.ts';

const PLACE: UnitPlace = { command: ['/usr/bin/node', '/opt/swapctl.js'], env: {}, host: 'host1' };
const CRON: UnitWish = { scheduler: 'cron', runs: 'update' as const, schedule: undefined };
const TIMER: UnitWish = { ...CRON, scheduler: 'systemd' };
const WATCH: UnitWish = { ...TIMER, runs: 'watch' };
/** The name of a folder in which every character is special for some program. */
const ODD = `a b'c"d$e%f\\g;h`;

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-units-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function contents(wish: UnitWish, place: Partial<UnitPlace> = {}): string[] {
  return unitPlan(wish, { ...PLACE, ...place }).files.map(({ content }) => content);
}

function cronLine(wish: UnitWish, place: Partial<UnitPlace> = {}): string {
  return contents(wish, place)[0]?.trimEnd().split('\n').at(-1) ?? '';
}

suite('cron', () => {
  test('runs an update, and mails what went wrong', () => {
    const { files, next } = unitPlan({ ...CRON, schedule: '0 4 * * 1-5' }, PLACE);
    assert.deepEqual(files, [
      {
        path: '/etc/cron.d/swapctl',
        content: [
          '# /etc/cron.d/swapctl',
          UNIT_MARK,
          'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          `0 4 * * 1-5 root out=$(/usr/bin/node /opt/swapctl.js --quiet update) || printf '\\%s\\n' "$out"`,
          '',
        ].join('\n'),
      },
    ]);
    assert.deepEqual(next, []);
  });

  const times: [string | undefined, RegExp][] = [
    [undefined, /^\d{1,2}-59\/15 \* \* \* \* root/],
    ['every 15m', /^\d{1,2}-59\/15 \* \* \* \* root/],
    ['every 1m', /^\* \* \* \* \* root/],
    ['every 1h', /^\d{1,2}-59\/60 \* \* \* \* root/],
    ['every 6h', /^\d{1,2} \*\/6 \* \* \* root/],
    ['every 1d', /^\d{1,2} 0 \* \* \* root/],
    ['@daily', /^@daily root/],
  ];
  for (const [schedule, expected] of times)
    test(`${schedule ?? 'no schedule'} becomes fields`, () => assert.match(cronLine({ ...CRON, schedule }), expected));

  test('spreads machines over the minutes, each always to the same', () => {
    const minutes = Array.from({ length: 60 }, (_, at) => cronLine(CRON, { host: `host${at}` }).split('-')[0]);
    assert.ok(new Set(minutes).size > 10);
    assert.ok(minutes.every((minute) => Number(minute) < 15));
    assert.equal(cronLine(CRON), cronLine(CRON));
  });

  test('refuses what it can not do', () => {
    for (const schedule of [
      'every 7m',
      'every 90s',
      '0 4 * * * Europe/Berlin',
      'every 15m jitter 1m',
      'soon',
      '*:0/15',
    ])
      assert.throws(() => unitPlan({ ...CRON, schedule }, PLACE), SwapError, schedule);
    assert.throws(() => unitPlan({ ...CRON, runs: 'watch' }, PLACE), /cron keeps no daemon/);
    assert.throws(() => unitPlan(CRON, { ...PLACE, command: ['/a\nb'] }), /control character/);
  });

  test('runs the right program from a place with an odd name, and is silent if all is well', () => {
    const place = path.join(folder, ODD);
    mkdirSync(place);
    const program = path.join(place, 'program.sh');
    writeFileSync(program, 'printf "%s|" "$@"; echo "50%"; exit "$STATUS"\n');
    const line = cronLine(CRON, { command: ['/bin/sh', program, '--config', `${place}/x.yml`] });
    // As cron(8) reads it: the text after the user, with \% for %.
    const command = line.split(' root ')[1]?.replaceAll('\\%', '%') ?? '';
    assert.doesNotMatch(line.replaceAll('\\%', ''), /%/);
    const run = (STATUS: string) => execFileSync('/bin/sh', ['-c', command], { env: { STATUS }, encoding: 'utf8' });
    assert.equal(run('0'), '');
    assert.equal(run('3'), `--config|${place}/x.yml|--quiet|update|50%\n`);
  });

  test('has the variables that name the engine', () => {
    assert.match(
      contents(CRON, { env: { DOCKER_HOST: 'tcp://there:2375' } })[0] ?? '',
      /^DOCKER_HOST=tcp:\/\/there:2375$/m,
    );
  });
});

suite('systemd', () => {
  test('runs an update by the clock', () => {
    const { files, next } = unitPlan(TIMER, PLACE);
    assert.deepEqual(
      files.map((file) => file.path),
      ['/etc/systemd/system/swapctl.service', '/etc/systemd/system/swapctl.timer'],
    );
    const [service = '', timer = ''] = files.map(({ content }) => content);
    assert.match(service, /^Type=oneshot\nExecStart=\/usr\/bin\/node \/opt\/swapctl\.js update$/m);
    assert.match(timer, /^OnCalendar=\*:0\/15$/m);
    assert.deepEqual(next, ['systemctl daemon-reload', 'systemctl enable --now swapctl.timer']);
  });

  test('keeps a daemon', () => {
    const { files, next } = unitPlan(WATCH, PLACE);
    const [service = ''] = files.map(({ content }) => content);
    assert.match(service, /^ExecStart=\/usr\/bin\/node \/opt\/swapctl\.js watch$/m);
    assert.match(service, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
    assert.match(service, /^Restart=on-failure$/m);
    assert.deepEqual(next, ['systemctl daemon-reload', 'systemctl enable --now swapctl-watch.service']);
    assert.doesNotMatch(service, /RuntimeDirectory/);
  });

  test('keeps a server, whose socket has a folder', () => {
    const { files, next } = unitPlan({ ...TIMER, runs: 'serve' }, PLACE);
    const [service = ''] = files.map(({ content }) => content);
    assert.match(service, /^ExecStart=\/usr\/bin\/node \/opt\/swapctl\.js serve$/m);
    assert.match(service, /^RuntimeDirectory=swapctl$/m);
    assert.deepEqual(next, ['systemctl daemon-reload', 'systemctl enable --now swapctl-serve.service']);
  });

  test('has the rights that nft and nsenter need', () => {
    for (const wish of [TIMER, WATCH]) {
      const [service = ''] = contents(wish);
      const [, rights = ''] = /^CapabilityBoundingSet=(.*)$/m.exec(service) ?? [];
      for (const one of ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_SYS_PTRACE']) assert.ok(rights.includes(one), one);
      assert.doesNotMatch(service, /RestrictNamespaces|PrivateNetwork|PrivateUsers|MemoryDenyWriteExecute|DynamicUser/);
      assert.match(service, /AF_NETLINK/);
    }
  });

  test('takes intervals and calendar expressions', () => {
    const timer = (schedule: string): string => contents({ ...TIMER, schedule })[1] ?? '';
    assert.match(timer('every 90m'), /^OnBootSec=2min\nOnUnitActiveSec=5400s$/m);
    assert.match(
      timer('Mon..Fri 04:00 Europe/Berlin'),
      /^OnCalendar=Mon\.\.Fri 04:00 Europe\/Berlin\nPersistent=true$/m,
    );
    for (const schedule of ['0 4 * * *', '@daily x; y', 'a\nb', 'every soon', ''])
      assert.throws(() => timer(schedule), SwapError, schedule);
  });

  test('quotes what means something to it', () => {
    const [service = ''] = contents(TIMER, {
      command: ['/opt/a $b/node', '/opt/a $b/x%y"z\\.js', '--config', '/plain'],
      env: { DOCKER_CONFIG: '/a b/%h$x' },
    });
    assert.match(
      service,
      /^ExecStart="\/opt\/a \$b\/node" "\/opt\/a \$\$b\/x%%y\\"z\\\\\.js" --config \/plain update$/m,
    );
    assert.match(service, /^Environment="DOCKER_CONFIG=\/a b\/%%h\$x"$/m);
  });

  test('is given no program that it would not take', () => {
    for (const program of [`/a'b/node`, '/a"b/node', '/a\\b/node'])
      assert.throws(() => unitPlan(TIMER, { ...PLACE, command: [program, '/x.js'] }), /systemd does not take/);
  });

  const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;
  test('finds nothing wrong with them', { skip: analyze ? false : 'systemd-analyze is not installed' }, () => {
    const place = path.join(folder, 'a b$c%d;e');
    mkdirSync(place);
    const node = path.join(place, 'node');
    writeFileSync(node, '#!/bin/sh\n');
    chmodSync(node, 0o755);
    const command = [node, path.join(place, ODD, 'swapctl.js'), '--config', '/a b/$x%h.yml'];
    const units = path.join(folder, 'units');
    mkdirSync(units);
    const write = (wish: UnitWish, program = command): string[] =>
      unitPlan(wish, { ...PLACE, command: program, env: { DOCKER_CONFIG: '/a b/%h$x"' } }).files.map((file) => {
        const name = path.join(units, path.basename(file.path));
        writeFileSync(name, file.content);
        return name;
      });
    const verify = (files: readonly string[]) => {
      const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
        encoding: 'utf8',
      });
      return {
        status,
        said: `${stdout}${stderr}`.split('\n').filter((line) => line.includes(units) || line.includes('swapctl')),
      };
    };
    for (const wish of [
      TIMER,
      { ...TIMER, schedule: 'every 2h' },
      { ...TIMER, schedule: 'Sat,Sun *-*-* 04:00' },
      WATCH,
    ])
      assert.deepEqual(verify(write(wish)), { status: 0, said: [] });
    // systemd-analyze checks the file.
    symlinkSync('/nowhere', path.join(place, 'gone'));
    assert.match(verify(write(WATCH, [path.join(place, 'gone')])).said.join('\n'), /is not executable/);
  });
});
