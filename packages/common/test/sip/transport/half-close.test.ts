// A peer that closes its side after its request (FIN) still gets the answer over that connection. RFC 3261 §18.2.2.
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULT_STREAM_LIMITS } from "../../../src/sip/transport/stream-limits.ts";
import { tcpTransport } from "../../../src/sip/transport/tcp.ts";
import type { Transport } from "../../../src/sip/transport/transport.ts";
import { dialTcp, socketLab } from "../../contract/socket-lab.ts";
import { Recorder, type TransportLab } from "../../contract/transport-lab.ts";

const request = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n";
const answer = (status: number): Buffer =>
  Buffer.from(`SIP/2.0 ${status} \r\nContent-Length: 0\r\n\r\n`);

let lab: TransportLab;
let transport: Transport;
let recorder: Recorder;
let socket: Socket;
let received: string;
let closed: boolean;

beforeEach(async () => {
  lab = socketLab((clock, at, limits) => tcpTransport({ ...at, ...limits, clock }), dialTcp);
  transport = lab.transport({ host: "127.0.0.1", port: 0 });
  recorder = new Recorder();
  await transport.listen(recorder);
  received = "";
  closed = false;
  socket = connect({ ...transport.local, allowHalfOpen: true });
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  socket.on("end", () => {
    closed = true;
  });
});
afterEach(async () => {
  socket.destroy();
  await transport.close();
});

async function halfClosed(text: string): Promise<void> {
  socket.end(text);
  await lab.until(() => recorder.closed.length === 1);
}

test("the answers come, then the connection ends; as a flow it has ended before", async () => {
  await halfClosed(request + request);
  expect(recorder.texts).toHaveLength(2);
  for (const status of [100, 200, 404]) transport.send(answer(status), recorder.flow);
  await lab.until(() => closed);
  expect(received).toBe([100, 200, 404].map((status) => answer(status)).join(""));
  expect(recorder.closed).toHaveLength(1);
});

test("with nothing to be answered the connection ends at once", async () => {
  await halfClosed(answer(200).toString());
  await lab.until(() => closed);
  expect(recorder.closed).toHaveLength(1);
});

test("no answer: it ends after 64*T1", async () => {
  await halfClosed(request);
  lab.clock.advance(DEFAULT_STREAM_LIMITS.answerGraceMs - 1);
  expect(closed).toBe(false);
  lab.clock.advance(1);
  await lab.until(() => closed);
  expect(recorder.rejected).toEqual([]);
});

test("requests do not go there: nobody could answer them", async () => {
  await halfClosed(request);
  const { flow } = recorder;
  transport.send(Buffer.from(request), flow, (why) => recorder.failures.push(why));
  await lab.until(() => recorder.failures.length === 1);
  expect(recorder.failures).toEqual(["closed"]);
  expect(transport.flowTo(flow.remote)).not.toBe(flow);
});
