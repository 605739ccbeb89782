import { type Command, Option } from 'commander';
import { fail } from '../../../core/model/error.ts';
import type { Globals } from '../session.ts';

const WITH_GROUP = ['roll', 'plan', 'rollback', 'status', 'check', 'update', 'watch', 'history', 'recover', 'doctor'];

/** Adds the options for hosts and groups, and refuses them for other commands. */
export function addGroupOptions(program: Command): Command {
  return program
    .option('--on <name>', 'host or group of hosts in swapctl.yml to work on')
    .addOption(new Option('--skip-unreachable', 'with --on: go on without hosts that cannot be reached'))
    .hook('preAction', (_, command) => checkGroupOptions(command.name(), program.opts<Globals>()));
}

function checkGroupOptions(command: string, { on, skipUnreachable, server, host, context }: Globals): void {
  if (on === undefined) {
    if (skipUnreachable) fail('usage', '--skip-unreachable works only with --on', { hint: 'name a host or group' });
    return;
  }
  if (!WITH_GROUP.includes(command))
    fail('usage', `--on does not work with ${command}`, { hint: `it works with ${WITH_GROUP.join(', ')}` });
  if (server !== undefined)
    fail('usage', '--on does not work through a server: a server works on the one engine of its own host', {
      hint: 'leave --server out, and run the command where swapctl.yml has the hosts; swapctl connects to each by ssh or TLS',
    });
  const other = host === undefined ? context && '--context' : '--host';
  if (other) fail('usage', `--on and ${other} both name engines`, { hint: 'give one of them' });
}
