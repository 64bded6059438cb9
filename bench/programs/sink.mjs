// A collector that takes everything and counts events: HTTP/1.1 by hand on a socket, so that it is never what is measured.
import { createServer } from 'node:net';
import { EVENTS_IN, eventIds } from '../wire.mjs';
import { bodies } from '../bodies.mjs';

// `wire`: whose bodies it gets. `delayMs`: how long it takes to answer. `ids`: tell events apart, to find duplicates.
const { wire = 'snowplow', delayMs = 0, ids = false } = JSON.parse(process.argv[2]);
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n1';

const sockets = new Set();
const seen = new Set();
let counts;
const reset = () => {
  seen.clear();
  counts = { requests: 0, events: 0, duplicates: 0, connections: sockets.size, firstAt: 0 };
};
reset();

function take(body, head) {
  counts.requests++;
  counts.firstAt ||= Date.now();
  if (!ids) counts.events += EVENTS_IN[wire](body, head);
  else
    for (const id of eventIds(body)) {
      counts.events++;
      if (seen.has(id)) counts.duplicates++;
      else seen.add(id);
    }
}

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  counts.connections = Math.max(counts.connections, sockets.size);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => socket.destroy());
  const answer = () => socket.write(ANSWER);
  const read = bodies((body, head) => {
    take(body, head);
    if (delayMs > 0) setTimeout(answer, delayMs);
    else answer();
  });
  socket.on('data', read);
});

const listen = (port) =>
  server.listen(port, '127.0.0.1', () => process.send({ port: server.address().port, at: Date.now() }));
let port = 0;
server.on('listening', () => {
  port = server.address().port;
});
listen(0);

process.on('message', (command) => {
  if (command === 'report') process.send({ ...counts, distinct: seen.size });
  else if (command === 'reset') {
    reset();
    process.send('reset');
  } else if (command === 'up') listen(port);
  else if (command === 'down') {
    server.close(() => process.send('down'));
    for (const socket of sockets) socket.destroy();
  }
});
