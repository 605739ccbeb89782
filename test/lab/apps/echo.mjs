// node echo.mjs NAME: answers every connection to port 8080 with its name and echoes what it gets, except `!`. Its parent process tells it by
// messages to open connections of its own, to use them, and to close them.
import net from 'node:net';

const [, , name] = process.argv;
const sockets = new Map();

const CALLS = {
  /** Resolves with the name of the server; undefined if the connection is refused. */
  connect: ({ number, host, port }) =>
    new Promise((resolve) => {
      const socket = net.connect(port, host);
      sockets.set(number, socket);
      socket.once('data', (line) => resolve(String(line).trim()));
      socket.on('error', () => {}).once('close', () => resolve(undefined));
    }),
  /** Resolves with whether the server still echoes. */
  echo: ({ number }) =>
    new Promise((resolve) => {
      const socket = sockets.get(number);
      if (socket.destroyed) return resolve(false);
      socket.once('data', () => resolve(true)).once('close', () => resolve(false));
      socket.write('?');
    }),
  ask: ({ number }) => void sockets.get(number).write('!'),
  close: ({ number }) => void sockets.get(number).destroy(),
};

process.on('message', async ({ id, call, ...rest }) => process.send({ id, answer: await CALLS[call](rest) }));
process.on('disconnect', () => process.exit());

net
  .createServer((socket) => {
    socket.on('error', () => {});
    socket.write(`${name}\n`);
    socket.on('data', (data) => String(data) !== '!' && socket.write(data));
  })
  .listen(8080, '0.0.0.0', () => process.send({ id: 0 }));
