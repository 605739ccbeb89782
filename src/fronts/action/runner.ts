// What GitHub's runner understands: commands in the log, and files that a step writes to. The commands are at
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions; self-hosted runners of other makes
// (Gitea, Forgejo, act) read the same.

/** What the protocol needs of the process. */
export interface Outlet {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly append: (file: string, text: string) => void;
  /** Nobody can guess it. */
  readonly token: string;
}

/** A runner that a step talks to. */
export interface Runner {
  /** Lines of anybody's text: nothing in them is taken for a command. */
  text(lines: string): void;
  group(title: string): void;
  endGroup(): void;
  /** Shown at the run, and on the pull request. */
  annotate(level: 'error' | 'warning' | 'notice', title: string, message: string): void;
  /** From here on the runner shows `***` instead of it. */
  mask(secret: string): void;
  output(name: string, value: string): void;
  /** For the step that runs after the job. */
  state(name: string, value: string): void;
  /** Markdown for the page of the run. */
  summary(markdown: string): void;
}

/** The runner at the other end of stdout and of the files that the environment names. */
export function openRunner({ env, stdout, append, token }: Outlet): Runner {
  let deaf = false;
  // While a program's text is shown, the runner is told not to listen: a log line `::add-mask::…` is no word of ours.
  const listen = (wanted: boolean): void => {
    if (deaf === !wanted) return;
    stdout(wanted ? `::${token}::\n` : `::stop-commands::${token}\n`);
    deaf = !wanted;
  };
  const command = (name: string, value: string, title?: string): void => {
    listen(true);
    stdout(`::${name}${title === undefined ? '' : ` title=${property(title)}`}::${data(value)}\n`);
  };
  const file = (variable: string, text: string): void => {
    const path = env[variable];
    if (path) append(path, text);
  };
  return {
    text: (lines) => {
      listen(false);
      stdout(lines);
    },
    group: (title) => command('group', title),
    endGroup: () => command('endgroup', ''),
    annotate: (level, title, message) => command(level, message, title),
    mask: (secret) => command('add-mask', secret),
    output: (name, value) => file('GITHUB_OUTPUT', entry(name, value, token)),
    state: (name, value) => file('GITHUB_STATE', entry(name, value, token)),
    summary: (markdown) => file('GITHUB_STEP_SUMMARY', `${markdown}\n`),
  };
}

/** Whether the runner was asked to tell more (re-run with debug logging). */
export function isDebug(env: Outlet['env']): boolean {
  return env.RUNNER_DEBUG === '1';
}

// The value ends where the delimiter stands on a line, which must not be in it.
function entry(name: string, value: string, token: string): string {
  const delimiter = `end_${token}`;
  if (value.includes(delimiter)) throw new Error(`the value of ${name} has the delimiter in it`);
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
