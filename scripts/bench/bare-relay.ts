/**
 * Baseline process: bare uWebSockets. A message of one byte makes its socket a reader; any other is published to the
 * readers and acknowledged with three bytes. With `kept` as argument it is first written to LevelDB, in synced batches.
 * Prints its port.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, us_socket_local_port } from 'uWebSockets.js';
import { GroupCommit } from './group-commit.ts';

const acknowledgement = Uint8Array.of(0x83, 2, 0);
const kept = process.argv[2] === 'kept' ? await GroupCommit.open(mkdtempSync(join(tmpdir(), 'lanying-bare-'))) : null;
const app = App();
app.ws('/*', {
  maxPayloadLength: 4 * 1024 * 1024,
  maxBackpressure: 64 * 1024 * 1024,
  idleTimeout: 0,
  message: (socket, message) => {
    if (message.byteLength === 1) return void socket.subscribe('all');
    const bytes = Buffer.from(message.slice(0));
    const publish = (): void => {
      app.publish('all', bytes, true);
      socket.send(acknowledgement, true);
    };
    if (kept === null) publish();
    else void kept.put(bytes).then(publish);
  },
});
app.listen('127.0.0.1', 0, (listening) => {
  if (listening === false) throw new Error('cannot listen');
  process.stdout.write(`${us_socket_local_port(listening)}\n`);
});
