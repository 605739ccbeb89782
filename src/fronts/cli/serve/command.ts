import type { Command } from 'commander';
import type { WatchFlags } from '../../common/requests.ts';
import type { Session } from '../session.ts';
import type { ServerFlags } from './serve.ts';

/** The options of `serve` as they were written. */
export type ServeFlags = WatchFlags & ServerFlags;

/** Options and help of `swapctl serve`; `run` resolves with the exit status. */
export function describeServe(
  command: Command,
  collect: (value: string, before?: string[]) => string[],
  run: (services: string[], flags: ServeFlags) => Promise<void>,
): Command {
  return command
    .argument('[service...]', 'services to watch (default: all with swapctl.enable=true)')
    .option('--all', 'watch all services except those with swapctl.enable=false')
    .option('--listen <address>', 'unix:///PATH or tcp://ADDRESS:PORT (repeatable; default: the unix socket)', collect)
    .option('--tokens <file>', 'token file of the callers (see swapctl token)')
    .option('--tls-cert <file>', 'certificate chain for TCP addresses, in PEM')
    .option('--tls-key <file>', 'private key of the certificate, in PEM')
    .option('--tls-ca <file>', 'authority of client certificates, in PEM')
    .option('--heartbeat <file>', 'write the time to this file every 10 s (also: SWAPCTL_HEARTBEAT)')
    .action(run);
}

/** Watches and answers the API until the program is interrupted. */
export async function runServe(session: Session, services: string[], flags: ServeFlags): Promise<number> {
  const [{ watchRequest }, { startServe }] = await Promise.all([
    import('../../common/requests.ts'),
    import('./serve.ts'),
  ]);
  await startServe(session, services, watchRequest(flags, 'swapctl serve'), flags);
  return 0;
}

/** Command lines for the help of `swapctl serve`. */
export const SERVE_EXAMPLES = [
  'swapctl serve',
  'swapctl serve --listen unix:///run/swapctl/swapctl.sock',
  'swapctl serve --listen tcp://0.0.0.0:8443 --tokens /etc/swapctl/tokens --tls-cert cert.pem --tls-key key.pem',
];
