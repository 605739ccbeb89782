// The engine's HTTP API with nothing but node:http, for the scripts that run before `npm ci`.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { Failure } from './shell.mjs';

const DEFAULT_SOCKET = '/var/run/docker.sock';

export function dockerHost() {
  return process.env.DOCKER_HOST || `unix://${DEFAULT_SOCKET}`;
}

function address() {
  const url = new URL(dockerHost());
  if (url.protocol === 'unix:') return { socketPath: url.pathname };
  if (url.protocol !== 'tcp:') {
    throw new Failure(`DOCKER_HOST=${dockerHost()}: the scripts speak unix:// and tcp:// only`);
  }
  const host = { host: url.hostname, port: url.port || 2375 };
  return process.env.DOCKER_TLS_VERIFY ? { ...host, ...certificates() } : host;
}

function certificates() {
  const folder = process.env.DOCKER_CERT_PATH ?? '';
  const pem = (name) => readFileSync(path.join(folder, `${name}.pem`));
  return { protocol: 'https:', ca: pem('ca'), cert: pem('cert'), key: pem('key') };
}

/** One request; the answer's JSON (or text), with the status as an Error if it is 400 or more. */
export function engineRequest(method, requestPath) {
  return new Promise((resolve, reject) => {
    const options = { method, path: requestPath, ...address() };
    const request = (options.protocol === 'https:' ? https : http).request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode < 400) return resolve(parsed(text));
        const error = new Error(parsed(text)?.message ?? `HTTP ${response.statusCode}`);
        reject(Object.assign(error, { status: response.statusCode }));
      });
    });
    request.on('error', reject).end();
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export async function engineAnswers() {
  try {
    return await engineRequest('GET', '/version');
  } catch (error) {
    if (error instanceof Failure) throw error;
    return undefined;
  }
}
