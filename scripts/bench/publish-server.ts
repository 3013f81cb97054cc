/** Baseline process: bare uWebSockets publish, started by the fan-out row. Prints its port, publishes what it receives. */
import { App, us_socket_local_port } from 'uWebSockets.js';

const app = App();
app.ws('/*', {
  maxPayloadLength: 4 * 1024 * 1024,
  maxBackpressure: 64 * 1024 * 1024,
  open: (socket) => void socket.subscribe('all'),
  message: (_socket, message) => void app.publish('all', message, true),
});
app.listen('127.0.0.1', 0, (listening) => {
  if (listening === false) throw new Error('cannot listen');
  process.stdout.write(`${us_socket_local_port(listening)}\n`);
});
