import type Dockerode from 'dockerode';

/** The last lines that a container has written. */
export async function logs(container: Dockerode.Container, lines: number): Promise<string[]> {
  const { Config } = await container.inspect();
  const raw = (await container.logs({ stdout: true, stderr: true, tail: lines, follow: false })) as unknown;
  return logLines(raw, lines, Config.Tty === true);
}

/** The lines of a logs answer; `tty`: its container has a terminal. */
export function logLines(raw: unknown, lines: number, tty: boolean): string[] {
  const buffer = Buffer.isBuffer(raw) ? raw : Buffer.from(typeof raw === 'string' ? raw : JSON.stringify(raw));
  const text = tty ? buffer.toString() : unframed(buffer);
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(-lines);
}

// Without a terminal both outputs come in frames: one byte stream, three zero bytes, four bytes length (Engine API, attach).
function unframed(buffer: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= buffer.length; ) {
    const length = buffer.readUInt32BE(at + 4);
    text += buffer.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
