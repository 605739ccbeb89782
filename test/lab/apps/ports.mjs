// Many ports at once: HTTP on TCP_PORTS, version and echo on UDP_PORTS. It exits at once on SIGTERM.
import dgram from 'node:dgram';
import http from 'node:http';

const { VERSION: version = '0', TCP_PORTS = '8080', UDP_PORTS = '' } = process.env;
const numbers = (list) => list.split(',').filter(Boolean).map(Number);

for (const port of numbers(TCP_PORTS)) {
  http
    .createServer((_, response) => response.writeHead(200, { 'x-version': version }).end(`${version} on ${port}\n`))
    .listen(port);
}
for (const port of numbers(UDP_PORTS)) {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (text, { port: from, address }) => socket.send(`${version} ${text}`, from, address));
  socket.bind(port);
}
process.on('SIGTERM', () => process.exit(0));
