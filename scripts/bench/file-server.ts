/**
 * Baseline process: bare uWebSockets to and from disk, started by the row of files. Prints its port. PUT appends the body
 * to one file with pause and resume, and answers when it is synced; GET streams it. One folder, given as argument.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { App, us_socket_local_port, type HttpResponse } from 'uWebSockets.js';

const path = join(process.argv[2] ?? '.', 'bare');
const readBytes = 256 * 1024;
const queuedBytesMax = 1024 * 1024;

async function receive(res: HttpResponse): Promise<void> {
  const queue: Uint8Array[] = [];
  let queued = 0;
  const body = { ended: false };
  let wake = (): void => undefined;
  res.onAborted(() => process.exit(1));
  res.onData((chunk, isLast) => {
    queue.push(new Uint8Array(chunk.slice(0)));
    queued += chunk.byteLength;
    body.ended = isLast;
    if (queued > queuedBytesMax && !isLast) res.pause();
    wake();
  });
  const file = await open(path, 'w');
  let position = 0;
  while (!body.ended || queue.length > 0) {
    if (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const taken = queue.splice(0);
    const { bytesWritten } = await file.writev(taken, position);
    position += bytesWritten;
    queued -= bytesWritten;
    if (!body.ended) res.resume();
  }
  await file.datasync();
  await file.close();
  res.cork(() => res.end());
}

async function send(res: HttpResponse): Promise<void> {
  let wake: (offset: number) => void = () => undefined;
  res.onAborted(() => process.exit(1));
  res.onWritable((offset) => {
    wake(offset);
    return true;
  });
  const file = await open(path, 'r');
  const { size } = await file.stat();
  for (let position = 0; position < size;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(readBytes), 0, readBytes, position);
    const piece = buffer.subarray(0, bytesRead);
    for (let sent = position; sent < position + bytesRead;) {
      const from = sent;
      let taken = false;
      res.cork(() => ([taken] = res.tryEnd(piece.subarray(from - position), size)));
      sent = taken ? position + bytesRead : await new Promise<number>((resolve) => (wake = resolve));
    }
    position += bytesRead;
  }
  await file.close();
}

const app = App();
app.put('/*', (res) => void receive(res));
app.get('/*', (res) => void send(res));
app.listen('127.0.0.1', 0, (listening) => {
  if (listening === false) throw new Error('cannot listen');
  process.stdout.write(`${us_socket_local_port(listening)}\n`);
});
