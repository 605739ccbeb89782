// The words are those of Docker 20.10 and 28.5 with runc, and of Podman 4.3, 5.4 and 5.8 with crun.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { isFaultOfImage } from '../../../src/core/model/refused-start.ts';

const RUNC_1_1 =
  'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ';
const RUNC_1_3 = `failed to create task for container: ${RUNC_1_1}error during container init: `;
const NOT_FOUND = 'No such file or directory: OCI runtime attempted to invoke a command that was not found';

suite('a start that was refused because of the image', () => {
  for (const words of [
    `${RUNC_1_1}exec: "/no/such/program": stat /no/such/program: no such file or directory: unknown`,
    `${RUNC_1_1}exec: "nosuchprogram": executable file not found in $PATH: unknown`,
    `${RUNC_1_1}exec: "/etc/passwd": permission denied: unknown`,
    `${RUNC_1_3}exec: "/no/such/program": stat /no/such/program: no such file or directory`,
    `${RUNC_1_3}exec: "/etc": is a directory: permission denied`,
    'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "x": executable file not found in $PATH: unknown',
    `crun: executable file \`/no/such/program\` not found: ${NOT_FOUND}`,
    `crun: executable file \`nosuchprogram\` not found in $PATH: ${NOT_FOUND}`,
    `crun: cannot find \`\` in $PATH: ${NOT_FOUND}`,
    'crun: the path `/etc/passwd` exists but it is not executable: Operation not permitted: OCI permission denied',
    'crun: the path `/etc` is not a regular file: Operation not permitted: OCI permission denied',
    'crun: open executable: Permission denied: OCI permission denied',
    'unable to find user nosuch: no matching entries in passwd file',
    'unable to find group nosuch: no matching entries in group file',
  ])
    test(words, () => assert.equal(isFaultOfImage(words), true));
});

suite('a start that was refused because of the host', () => {
  for (const words of [
    'Bind for 0.0.0.0:80 failed: port is already allocated',
    'cannot listen on the TCP port: listen tcp4 :80: bind: address already in use',
    `${RUNC_1_1}error during container init: error mounting "/srv/a" to rootfs at "/etc/a": not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?`,
    `${RUNC_1_1}error during container init: open /proc/sys/net/nosuch: no such file or directory: unknown`,
    `${RUNC_1_1}error during container init: error setting rlimit type 7: operation not permitted: unknown`,
    'failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error: exec: "runc": executable file not found in $PATH: unknown',
    'error gathering device information while adding custom device "/dev/nosuch": no such file or directory',
    `crun: cannot stat \`/srv/gone\`: ${NOT_FOUND}`,
    `crun: error stat'ing file \`/srv/gone\`: ${NOT_FOUND}`,
    `crun: open \`/proc/sys/net/nosuch\`: ${NOT_FOUND}`,
    'crun: write to `/proc/self/oom_score_adj`: Permission denied: OCI permission denied',
    'crun: mount `/srv/a` to `etc/a`: Not a directory: OCI runtime error',
    'unable to find user 0: read /srv/a: is a directory',
    '',
  ])
    test(words || 'without a word', () => assert.equal(isFaultOfImage(words), false));
});
