// A program, line by line.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  told: (line: string) => void,
): Promise<void> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', told);
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}
