import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type Dockerode from 'dockerode';
import type { ExecOptions, ExecResult } from '../../../core/model/engine.ts';

const MOST_OUTPUT = 4096;

/** Runs a command in a running container and waits for its end; a timeout counts as a failure. */
export async function exec(
  docker: Dockerode,
  id: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const made = await docker.getContainer(id).exec(request(command, options));
  const stream = (await made.start({ Detach: false } as object)) as NodeJS.ReadableStream & { destroy(): void };
  const collected = collector(options.mostOutput ?? MOST_OUTPUT);
  docker.modem.demuxStream(stream, collected.sink, collected.sink);
  const ended = await end(stream, options);
  if (!ended) {
    stream.destroy();
    return { exitCode: -1, output: `${collected.text()}\n(no answer within ${options.timeoutMs} ms)` };
  }
  const { ExitCode } = await made.inspect();
  return { exitCode: ExitCode ?? -1, output: collected.text() };
}

function request(
  command: readonly string[],
  { user, privileged, workingDir, env }: ExecOptions,
): Dockerode.ExecCreateOptions {
  return {
    Cmd: [...command],
    AttachStdout: true,
    AttachStderr: true,
    ...(user ? { User: user } : {}),
    ...(privileged ? { Privileged: true } : {}),
    ...(workingDir ? { WorkingDir: workingDir } : {}),
    ...(env ? { Env: Object.entries(env).map(([key, value]) => `${key}=${value}`) } : {}),
  };
}

// An aborted exec stream just ends or closes, so the signal shows the difference.
function end(stream: NodeJS.ReadableStream, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), options.timeoutMs);
    const abort = (): void => resolve(false);
    options.signal?.addEventListener('abort', abort, { once: true });
    const done = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      resolve(options.signal?.aborted !== true);
    };
    stream.once('end', done).once('close', done).once('error', reject);
  });
}

function collector(most: number): { sink: Writable; text: () => string } {
  // A multi-byte character may lie in two chunks.
  const decoder = new StringDecoder('utf8');
  let output = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, next) {
      if (output.length < most) output += decoder.write(chunk);
      next();
    },
  });
  return { sink, text: () => output.slice(0, most) };
}
