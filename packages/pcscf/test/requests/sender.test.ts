// The sender of a request over another transport than the registration. TS 24.229 §5.2.6.3.
import { newRequest } from "@ims-lab/common/sip/message/message";
import type { Flow, TransportName } from "@ims-lab/common/sip/transport/transport";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { expect, test } from "vitest";
import { FlowTable } from "../../src/bindings/flow-table.ts";
import { bindingOfSender } from "../../src/requests/sender.ts";

const IMPU = "sip:alice@ims.example";

function over(transport: TransportName, host = "192.0.2.1"): Flow {
  const remote = { host, port: 5060 };
  return { id: `${transport} ${host}`, transport, local: { host: "10.0.0.1", port: 5060 }, remote };
}

function isHers(registered: Flow, asking: Flow): boolean {
  const table = new FlowTable({
    clock: new FakeClock(),
    lingerMs: 0,
    onContactGone: () => undefined,
    onGone: () => undefined,
    onForgotten: () => undefined,
  });
  table.bind({
    token: "t",
    impi: "alice@ims.example",
    aor: "sip:alice@ims.example",
    contact: "sip:alice@192.0.2.1",
    impus: [IMPU],
    flow: registered,
    flowLost: false,
    source: undefined,
    natted: false,
    serviceRoute: [],
    scscf: "sip:s",
    callId: "c",
    cseq: 1,
    heard: 1,
    registeredAt: 0,
    authenticatedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
  });
  const request = newRequest("MESSAGE", "sip:bob@ims.example", [["From", `<${IMPU}>;tag=f`]]);
  const binding = bindingOfSender(table, request, asking);
  table.close();
  return binding !== undefined;
}

test.each<[TransportName, TransportName, boolean]>([
  ["udp", "tcp", true],
  ["tcp", "udp", true],
  ["tls", "udp", false],
  ["tls", "tcp", false],
  ["wss", "ws", false],
  ["ws", "tcp", false],
  ["udp", "tls", false],
])(
  "registered over %s, asking over %s from the same address: %s",
  (registered, asking, expected) => {
    expect(isHers(over(registered), over(registered))).toBe(true);
    expect(isHers(over(registered), over(asking))).toBe(expected);
  },
);

test("from another address it is a stranger's", () => {
  expect(isHers(over("udp"), over("tcp", "192.0.2.2"))).toBe(false);
});
