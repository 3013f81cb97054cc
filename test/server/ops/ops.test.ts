import { expect, test } from 'vitest';
import { createOps } from '../../../server/ops/ops.ts';

function quietOps(level: string) {
  const lines: string[] = [];
  return { ops: createOps({ level, sink: { write: (line) => lines.push(line) } }), lines };
}
const call = { requestId: 'ab-1', door: 'http', command: 'server.info', outcome: 'ok', elapsedMs: 12.345 } as const;

test('a call is counted, and logged as one JSON line at debug only', async () => {
  const loud = quietOps('debug');
  loud.ops.called(call);
  expect(JSON.parse(loud.lines[0] ?? '')).toMatchObject({ level: 20, requestId: 'ab-1', command: 'server.info', outcome: 'ok', elapsedMs: 12.3, msg: 'command' });
  expect(await loud.ops.metrics()).toContain('lanying_calls_total{door="http",command="server.info",outcome="ok"} 1');
  expect(await loud.ops.metrics()).toContain('lanying_call_seconds_count{door="http"} 1');
  const calm = quietOps('info');
  calm.ops.called(call);
  expect(calm.lines).toEqual([]);
});

test('sockets are a gauge that goes back down', async () => {
  const { ops } = quietOps('silent');
  ops.socketOpened();
  ops.socketOpened();
  ops.socketClosed(1001);
  expect(await ops.metrics()).toMatch(/^lanying_sockets 1$/m);
  expect(await ops.metrics()).toContain('lanying_socket_closes_total{code="1001"} 1');
});

test('silent says nothing, two ops do not share counters, and no process or host is named', async () => {
  const { ops, lines } = quietOps('silent');
  ops.crashed(new Error('x'));
  expect(lines).toEqual([]);
  const other = quietOps('info');
  other.ops.called(call);
  expect(await ops.metrics()).not.toContain('server.info');
  other.ops.listening(1, 10_000);
  expect(Object.keys(JSON.parse(other.lines[0] ?? '') as object).toSorted()).toEqual(['connectionsMax', 'level', 'msg', 'port', 'time']);
});
