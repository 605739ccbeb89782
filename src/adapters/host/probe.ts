import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { clipText, sanitizeText } from '../../core/text/sanitize.ts';
import type { ProbeAddress, ProbeAnswer } from '../../ports/probe.ts';

// Read no more of a refusal's body, and for no longer than this.
const MOST_BYTES = 2048;
const BODY_WITHIN_MS = 1000;
const LONGEST_LINE = 120;

/** Probes once: by an HTTP GET if there is a path, else by a TCP connection. Never rejects. */
export function askOnce(address: ProbeAddress, timeoutMs: number): Promise<ProbeAnswer> {
  return address.path === undefined ? accepts(address, timeoutMs) : answers(address, address.path, timeoutMs);
}

function answers({ host, port, hostHeader }: ProbeAddress, path: string, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    let connected = false;
    const headers = hostHeader === undefined ? {} : { host: hostHeader };
    const options = { host, port, path, headers, timeout: timeoutMs, agent: false, localPort: probePort() };
    const request = get(options, (response) => resolve(answerIn(response, path)));
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('socket', (socket) => socket.on('connect', () => (connected = true)));
    request.on('error', (error) =>
      resolve({ ok: false, reached: connected || isRefused(error), output: error.message }),
    );
  });
}

// A host that refuses or resets a connection exists.
function isRefused({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNREFUSED' || code === 'ECONNRESET';
}

async function answerIn(response: IncomingMessage, path: string): Promise<ProbeAnswer> {
  const { statusCode: status = 500 } = response;
  const output = `HTTP ${status} from ${path}`;
  if (status < 400) {
    response.resume();
    return { ok: true, reached: true, output, status };
  }
  const line = firstLine(await beginningOf(response));
  return { ok: false, reached: true, output: line === '' ? output : `${output}: ${line}`, status };
}

function beginningOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const decoder = new StringDecoder('utf8');
    let [text, bytes] = ['', 0];
    const end = (): void => {
      clearTimeout(timer);
      response.destroy();
      resolve(text);
    };
    const timer = setTimeout(end, BODY_WITHIN_MS);
    response.on('data', (chunk: Buffer) => {
      text += decoder.write(chunk.subarray(0, MOST_BYTES - bytes));
      bytes += chunk.length;
      if (bytes >= MOST_BYTES) end();
    });
    for (const event of ['end', 'error', 'close']) response.on(event, end);
  });
}

/** The first line of a body with words in it, made safe to print; of a page only the words. */
export function firstLine(body: string): string {
  const isPage = body.trimStart().startsWith('<');
  const words = isPage ? body.replace(/<[^<>]*>/g, '\n') : body;
  const line = words.split('\n').find((one) => one.trim() !== '') ?? '';
  return clipText(sanitizeText(line).trim(), LONGEST_LINE);
}

function accepts(address: ProbeAddress, timeoutMs: number): Promise<ProbeAnswer> {
  const { host, port } = address;
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs, localPort: probePort() });
    const end = (ok: boolean, reached: boolean, output: string): void => {
      socket.destroy();
      resolve({ ok, reached, output });
    };
    socket.on('connect', () => end(true, true, `port ${port} accepts connections`));
    socket.on('timeout', () => end(false, false, `no answer within ${timeoutMs} ms`));
    socket.on('error', (error) => end(false, isRefused(error), error.message));
  });
}

// Probes use ports of their own, so that a container's gate can tell them from traffic (src/adapters/traffic/nftables/gate.ts);
// consecutive ones, since a used port needs a pause.
const FIRST_PROBE_PORT = 61_000;
const PROBE_PORTS = 1000;
let probes = Math.floor(Math.random() * PROBE_PORTS);

function probePort(): number {
  probes = (probes + 1) % PROBE_PORTS;
  return FIRST_PROBE_PORT + probes;
}
