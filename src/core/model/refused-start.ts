// Tells from the engine's words why it refused to start a container. Docker's exit codes 126 and 127 do not help: Docker derives
// them from words such as "no such file or directory", which a missing mount or sysctl causes as well. Podman (5.8) leaves the
// exit code at 0.

const PROGRAM = [
  // runc 1.1 and newer, then older ones
  /unable to start container process: (?:error during container init: )?exec: "/,
  /starting container process caused: exec: "/,
  // crun
  /executable file `[^`]*` not found/,
  /cannot find `[^`]*` in \$PATH/,
  /the path `[^`]*` (?:exists but it is not executable|is not a regular file)/,
  /\bopen executable: /,
];
const USER = /unable to find (?:user|group) .*: no matching entries in (?:passwd|group) file/;

/** True: the image is to blame, because it has no such program, can't run it, or lacks the user that is to run it. */
export function isFaultOfImage(words: string): boolean {
  return USER.test(words) || PROGRAM.some((pattern) => pattern.test(words));
}
