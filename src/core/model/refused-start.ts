// Why an engine refused to start a container, told by its words. Docker's exit codes 126 and 127 do not tell: it derives them from
// words such as "no such file or directory", which a missing mount or sysctl has as well. Podman (5.8) leaves the exit code at 0.

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

/** Whether the image is to blame: it has no such program, or can't run it, or does not know the user that is to run it. */
export function isFaultOfImage(words: string): boolean {
  return USER.test(words) || PROGRAM.some((pattern) => pattern.test(words));
}
