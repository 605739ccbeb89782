import { Argument } from 'commander';
import { CONFIG_VIEWS, type ConfigView, runConfig } from './actions.ts';
import type { AddCommand, Finish, OpenSession } from './add-command.ts';
import type { TestHookFlags } from './serve/test-hook.ts';

/** `swapctl config`. */
export function addConfig(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('config', 'validate or print swapctl.yml, or test its notifications and hooks', [
    'swapctl config check',
    'swapctl --config ./swapctl.yml config show',
    'swapctl config schema > swapctl.schema.json',
    'swapctl config test-notify',
    "swapctl config test-hook ghcr --file payload.json --header 'X-GitHub-Event: package'",
  ])
    .addArgument(
      new Argument(
        '<what>',
        'check: list all mistakes; show: print the file as understood; schema: print a JSON schema for editors; test-notify: send a test notification; test-hook: show what a message to a webhook would do',
      ).choices(CONFIG_VIEWS),
    )
    .argument('[hook]', 'with test-hook: name of the hook in swapctl.yml')
    .option('--file <payload>', 'with test-hook: file with the body of the message')
    .option(
      '--header <line>',
      "with test-hook: header of the message, such as 'X-Name: value' (repeatable)",
      (line, before: string[] = []) => [...before, line],
    )
    .action(async (what: ConfigView, hook: string | undefined, flags: TestHookFlags) =>
      finish(await runConfig(session(), what, hook, flags)),
    );
}
