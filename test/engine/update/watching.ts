// A watch as a process of its own, and its log.
import { startSwapctl } from '../../lab/cli.ts';
import { eventually } from '../../lab/waiting.ts';
import type { World } from '../../lab/world.ts';

export interface WatchProcess {
  /** The first line with a matching message, earlier or later. */
  said(pattern: RegExp): Promise<Record<string, unknown>>;
  /** All matching messages so far. */
  soFar(pattern: RegExp): string[];
  kill(signal: NodeJS.Signals): void;
  end: ReturnType<typeof startSwapctl>['result'];
}

export function startWatch(world: World, args: string[], env: NodeJS.ProcessEnv = world.env): WatchProcess {
  let text = '';
  const watch = startSwapctl(['--json', 'watch', ...args], {
    env,
    onStdout: (more) => {
      text += more;
    },
  });
  world.after(async () => {
    watch.kill('SIGKILL');
    await watch.result;
  });
  // Whole lines only: the last one may be incomplete.
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const like = (pattern: RegExp) => lines().filter(({ msg }) => pattern.test(String(msg)));
  const said = (pattern: RegExp) => eventually(`the watch says ${pattern}`, async () => like(pattern)[0]);
  const soFar = (pattern: RegExp) => like(pattern).map(({ msg }) => String(msg));
  return { said, soFar, kill: watch.kill, end: watch.result };
}
