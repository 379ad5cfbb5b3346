// Somebody who speaks to a port at which nobody serves is noticed, and not answered.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it, vi } from "vitest";
import { noticeKnocks } from "../../../src/sip/transport/knocks.ts";

const HOST = "127.0.0.1";

it("by UDP and by TCP, a keep-alive not, and nothing after its end", async () => {
  const device = createSocket("udp4");
  device.bind(0, HOST);
  await once(device, "listening");
  const quiet = createSocket("udp4");
  const taken = createSocket("udp4");
  taken.bind(0, HOST);
  await once(taken, "listening");
  const { port } = taken.address();
  taken.close();
  await once(taken, "close");
  const heard: string[] = [];
  const answers: Buffer[] = [];
  device.on("message", (octets) => void answers.push(octets));
  const end = noticeKnocks({ host: HOST, port }, (from) => void heard.push(from));
  const me = `${HOST}:${device.address().port}/udp`;
  await vi.waitFor(() => {
    quiet.send("\r\n\r\n", port, HOST);
    device.send("REGISTER sip:a SIP/2.0\r\n", port, HOST);
    expect(heard).toContain(me);
  });
  expect(new Set(heard)).toEqual(new Set([me]));
  const connection = connect({ host: HOST, port });
  const from = await once(connection, "connect").then(() => connection.localPort);
  await once(connection.resume(), "close");
  expect(heard.at(-1)).toBe(`${HOST}:${from}/tcp`);
  expect(answers).toEqual([]);
  end();
  device.close();
  quiet.close();
});

it("an address that cannot be had is nothing to complain about", () => {
  const end = noticeKnocks({ host: "192.0.2.255", port: 5060 }, () => undefined);
  expect(end).not.toThrow();
});
