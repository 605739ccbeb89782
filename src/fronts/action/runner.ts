// The interface of GitHub's runner: commands in the log, and files that a step writes to. The commands are at
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions; other self-hosted runners (Gitea, Forgejo,
// act) read the same.

/** The parts of the process that the protocol needs. */
export interface Outlet {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly append: (file: string, text: string) => void;
  /** Unguessable. */
  readonly token: string;
}

/** The runner of the step. */
export interface Runner {
  /** Prints foreign lines: none of them is read as a command. */
  text(lines: string): void;
  group(title: string): void;
  endGroup(): void;
  /** Appears on the run, and on the pull request. */
  annotate(level: 'error' | 'warning' | 'notice', title: string, message: string): void;
  /** From now on the runner shows `***` instead of it. */
  mask(secret: string): void;
  output(name: string, value: string): void;
  /** For the step after the job. */
  state(name: string, value: string): void;
  /** Markdown for the page of the run. */
  summary(markdown: string): void;
}

/** The runner behind stdout and the files that the environment names. */
export function openRunner({ env, stdout, append, token }: Outlet): Runner {
  let deaf = false;
  // While foreign text is printed, the runner must ignore commands: a log line `::add-mask::…` is not ours.
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

/** True: the user wants more output (re-run with debug logging). */
export function isDebug(env: Outlet['env']): boolean {
  return env.RUNNER_DEBUG === '1';
}

// The delimiter on a line ends the value, so the value must not contain it.
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
