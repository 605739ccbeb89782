// The application under test: one HTTP server that behaves, or misbehaves, as its environment says.
//
//   PORT=8080            VERSION=1            in the header x-version and in every body
//   READY_AFTER_MS=0     until then every answer is 503; with LISTEN=late it doesn't even listen
//   READY_AT=SIGUSR1     becomes ready at that signal
//   NEVER_HEALTHY=1      never becomes ready            UNHEALTHY_AFTER_MS   /healthz turns 503, the rest goes on
//   at SIGUSR2           /healthz turns 503, too
//   EXIT_AFTER_MS        exits by itself, with EXIT_CODE=1
//   DRAIN=1              on SIGTERM: no new connections, requests under way are finished, then exit 0
//   DRAIN=0              on SIGTERM: exits at once, cutting what is under way
//   DRAIN_IDLE_MS=4000   for how long an idle keep-alive connection may still bring a last request: longer than clients keep it
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';

const env = process.env;
const ms = (name) => (env[name] === undefined ? undefined : Number(env[name]));
const port = ms('PORT') ?? 8080;
const version = env.VERSION ?? '0';
const readyAfter = ms('READY_AFTER_MS') ?? 0;
const startedAt = Date.now();
let draining = false;
let sick = false;
let asked = env.READY_AT === undefined;
if (!asked)
  process.on(env.READY_AT, () => {
    asked = true;
  });

const isReady = () => asked && env.NEVER_HEALTHY !== '1' && Date.now() - startedAt >= readyAfter;
const isHealthy = () =>
  isReady() && !sick && !(Date.now() - startedAt >= (ms('UNHEALTHY_AFTER_MS') ?? Number.POSITIVE_INFINITY));

function answer(request, response, status, content) {
  const from = request.socket.remoteAddress;
  const body = JSON.stringify({ version, host: os.hostname(), method: request.method, from, ...content });
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-version': version,
    ...(draining && { connection: 'close' }),
  });
  response.end(body);
}

const server = http.createServer((request, response) => {
  let received = 0;
  request.on('data', (chunk) => {
    received += chunk.length;
  });
  request.on('end', () => {
    const url = new URL(request.url, 'http://app');
    if (url.pathname === '/healthz') {
      const healthy = isHealthy();
      return answer(request, response, healthy ? 200 : 503, { healthy });
    }
    if (!isReady()) return answer(request, response, 503, { error: 'not ready yet' });
    if (url.pathname === '/env') return answer(request, response, 200, { env });
    const wait = url.pathname === '/slow' ? Number(url.searchParams.get('ms') ?? 1000) : 0;
    const finish = () => answer(request, response, 200, { received });
    if (wait > 0) setTimeout(finish, wait);
    else finish();
  });
});
server.keepAliveTimeout = 65_000;

// Stands for a WebSocket: a connection that outlives its request.
const upgraded = new Set();
server.on('upgrade', (request, socket) => {
  if (request.headers.upgrade !== 'echo') return socket.destroy();
  upgraded.add(socket);
  socket.on('close', () => upgraded.delete(socket)).on('error', () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-Version: ${version}\r\n\r\n`,
  );
  socket.pipe(socket);
});

function drain() {
  if (draining) return;
  draining = true;
  console.log(`${version}: draining`);
  // http.Server.close() would cut idle keep-alive connections at once, and with them a request that is on its way to us.
  // Closing only the listening socket leaves each of them its last request, which is answered with `connection: close`.
  net.Server.prototype.close.call(server, () => {
    console.log(`${version}: drained`);
    process.exit(0);
  });
  // Timers come before what has arrived is read: a connection whose request waits in the kernel would pass for idle.
  setInterval(() => setImmediate(() => server.closeIdleConnections()), ms('DRAIN_IDLE_MS') ?? 4000);
  setInterval(endUpgraded, 1000);
}

function endUpgraded() {
  // A pipe whose end is closed stops reading, and would never see that the other side has closed too.
  for (const socket of upgraded) socket.end(() => socket.resume());
}

process.on('SIGTERM', () => (env.DRAIN === '0' ? process.exit(0) : drain()));
process.on('SIGINT', () => process.exit(130));
process.on('SIGUSR2', () => {
  sick = true;
});

if (env.EXIT_AFTER_MS !== undefined) {
  setTimeout(() => {
    console.error(`${version}: exiting with ${env.EXIT_CODE ?? 1}, as EXIT_AFTER_MS says`);
    process.exit(Number(env.EXIT_CODE ?? 1));
  }, ms('EXIT_AFTER_MS'));
}

const listen = () => server.listen(port, () => console.log(`${version}: listening on ${port}`));
if (env.LISTEN === 'late') setTimeout(listen, readyAfter);
else listen();
