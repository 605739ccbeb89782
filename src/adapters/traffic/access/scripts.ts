/**
 * Shell scripts that run in a proxy's container. They need no more than sh and the tools that official images have (Debian and
 * busybox); what comes from outside is in `$1` and `$2`, never in the script.
 */

/** The exit status of a script where the thing that it asks for is not there. */
export const NOTHING_THERE = 44;
/** The exit status where the image has no tool for it. */
export const NO_TOOL = 45;

export const READ = `[ -e "$1" ] || exit ${NOTHING_THERE}; exec cat -- "$1"`;

export const LIST = `[ -d "$1" ] || exit ${NOTHING_THERE}; exec ls -A -- "$1"`;

export const REMOVE = 'exec rm -f -- "$1"';

/** `$1`: the file, `$2`: the text, `$3`: the end of the temporary name. */
export const WRITE = `set -e
file=$(readlink -f "$1" 2>/dev/null) || file=$1
[ -n "$file" ] || file=$1
new=\${file%/*}/.\${file##*/}$3
rm -f "$new"
umask 022
if [ -e "$file" ]; then cp -p "$file" "$new"; fi
printf %s "$2" > "$new" || { rm -f "$new"; exit 1; }
mv -f "$new" "$file" || { rm -f "$new"; exit 1; }`;

/** A line for each process but the script itself: pid, parent, command line. */
export const PROCESSES = `for folder in /proc/[0-9]*; do
  pid=\${folder#/proc/}
  { read -r stat < "$folder/stat"; } 2>/dev/null || continue
  set -- \${stat##*) }
  [ "$pid" = "$$" ] || [ "$2" = "$$" ] && continue
  title=$(tr "\\000\\n" "  " < "$folder/cmdline" 2>/dev/null) || continue
  printf "%s %s %s\\n" "$pid" "$2" "$title"
done`;

/** `$1`: the name of a signal, `$2`: a process. */
export const KILL = 'kill -s "$1" "$2"';

const PERL_UNIX =
  'use IO::Socket::UNIX; my ($t, $p) = @ARGV; my $s = IO::Socket::UNIX->new(Peer => $p) or die qq{$p: $!\\n}; print $s $t; $s->flush; print while <$s>';
const PERL_TCP =
  'use IO::Socket::INET; my ($t, $h, $p) = @ARGV; my $s = IO::Socket::INET->new(PeerAddr => $h, PeerPort => $p) or die qq{$h:$p: $@\\n}; print $s $t; $s->flush; print while <$s>';

const has = (tool: string): string => `command -v ${tool} >/dev/null 2>&1`;

/** `$1`: the text, `$2`: the path of the socket. */
export const TALK_UNIX = [
  `if ${has('socat')}; then printf %s "$1" | socat -t 30 - "UNIX-CONNECT:$2"`,
  `elif ${has('perl')}; then exec perl -e '${PERL_UNIX}' -- "$1" "$2"`,
  `elif ${has('nc')} && nc -h 2>&1 | grep -q -- '-[A-Za-z]*U'; then printf %s "$1" | nc -U "$2"`,
  `else exit ${NO_TOOL}; fi`,
].join('\n');

/** `$1`: the text, `$2`: the host, `$3`: the port. */
export const TALK_TCP = [
  `if ${has('socat')}; then printf %s "$1" | socat -t 30 - "TCP:$2:$3"`,
  `elif ${has('nc')}; then printf %s "$1" | nc "$2" "$3"`,
  `elif ${has('perl')}; then exec perl -e '${PERL_TCP}' -- "$1" "$2" "$3"`,
  `elif ${has('bash')}; then exec bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf %s "$0" >&3 && cat <&3' "$1" "$2" "$3"`,
  `else exit ${NO_TOOL}; fi`,
].join('\n');
