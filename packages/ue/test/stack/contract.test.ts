// Contract of the UE's stacks, both over both transports, against real sockets.
import { systemClock } from "@ims-lab/common/platform/clock";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import {
  newRequest,
  newResponse,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { RFC_TIMERS } from "@ims-lab/common/sip/transaction/timers";
import { tcpTransport } from "@ims-lab/common/sip/transport/tcp";
import type { Flow, Transport, TransportName } from "@ims-lab/common/sip/transport/transport";
import { udpTransport } from "@ims-lab/common/sip/transport/udp";
import { afterEach, describe, expect, test } from "vitest";
import { CoreStack } from "../../src/stack/core.ts";
import { freePort, NpmSipStack } from "../../src/stack/npm-sip.ts";
import type { Stack } from "../../src/stack/stack.ts";

const clock = systemClock();
const random = cryptoRandom();
const host = "127.0.0.1";

function transportOf(name: TransportName): Transport {
  return name === "udp" ? udpTransport({ host, port: 0 }) : tcpTransport({ host, port: 0, clock });
}

const stacks = {
  core: (name: TransportName): Stack =>
    new CoreStack({ name: "ue", clock, random, transport: transportOf(name), timers: RFC_TIMERS }),
  "npm-sip": (name: TransportName): Stack =>
    new NpmSipStack({
      clock,
      random,
      transport: name,
      host,
      findPort: () => freePort(transportOf(name)),
      onTrouble: (reason) => {
        throw new Error(reason);
      },
    }),
};

/** The other side: a transport and a script. */
class Network {
  readonly transport: Transport;
  readonly requests: SipRequest[] = [];
  #expected: ((message: SipMessage) => void)[] = [];
  flow: Flow | undefined;
  answer: (request: SipRequest) => SipResponse | undefined = () => undefined;

  constructor(name: TransportName) {
    this.transport = transportOf(name);
  }

  async listen(): Promise<void> {
    await this.transport.listen({
      onMessage: (bytes, flow) => this.#onMessage(bytes, flow),
      onClosed: () => undefined,
      onRejected: (reason) => {
        throw new Error(reason);
      },
    });
  }

  next(): Promise<SipMessage> {
    return new Promise((resolve) => this.#expected.push(resolve));
  }

  send(message: SipMessage): void {
    if (this.flow === undefined) throw new Error("no UE yet");
    this.transport.send(encode(message), this.flow);
  }

  #onMessage(bytes: Buffer, flow: Flow): void {
    const { message, problem } = decode(bytes);
    if (message === undefined) throw new Error(problem.reason);
    this.flow = flow;
    if (message.kind === "request") {
      this.requests.push(message);
      const response = this.answer(message);
      if (response !== undefined) this.send(response);
    }
    this.#expected.shift()?.(message);
  }
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function setUp(
  kind: keyof typeof stacks,
  name: TransportName,
): Promise<{
  stack: Stack;
  network: Network;
  to: { host: string; port: number; transport: TransportName };
}> {
  const network = new Network(name);
  const stack = stacks[kind](name);
  closers.push(
    () => stack.close(),
    () => network.transport.close(),
  );
  await network.listen();
  return { stack, network, to: { ...network.transport.local, transport: name } };
}

function register(): SipRequest {
  return newRequest("REGISTER", "sip:ims.example.org", [
    ["Max-Forwards", "70"],
    ["From", "<sip:alice@ims.example.org>;tag=f1"],
    ["To", "<sip:alice@ims.example.org>"],
    ["Call-ID", "c1"],
    ["CSeq", "1 REGISTER"],
    ["Contact", '<sip:alice@127.0.0.1:5070>;+sip.instance="<urn:uuid:1>"'],
    [
      "Authorization",
      'Digest username="a@b",realm="b",nonce="",uri="sip:ims.example.org",response=""',
    ],
  ]);
}

function outcome(
  stack: Stack,
  request: SipRequest,
  to: Parameters<Stack["request"]>[1],
): Promise<SipResponse | string> {
  return new Promise((resolve) => {
    stack.request(request, to, { onResponse: resolve, onFailure: resolve });
  });
}

const combinations = (["core", "npm-sip"] as const).flatMap((kind) =>
  (["udp", "tcp"] as const).map((name) => [kind, name] as const),
);

describe.each(combinations)("%s over %s", (kind, name) => {
  test("a request arrives as it was built, and its answer comes back", async () => {
    const { stack, network, to } = await setUp(kind, name);
    network.answer = (request) =>
      newResponse(request, 401, {
        toTag: "t1",
        headers: [
          ["WWW-Authenticate", 'Digest realm="b",nonce="abc==",algorithm=AKAv1-MD5,qop="auth"'],
          ["WWW-Authenticate", 'Digest realm="b",nonce="xyz",algorithm=MD5'],
        ],
      });
    await stack.listen(() => undefined);
    const response = await outcome(stack, register(), to);
    const [request] = network.requests;
    expect(request?.texts("Contact")).toEqual(register().texts("Contact"));
    expect(request?.text("Authorization")).toBe(register().text("Authorization"));
    expect(request?.cseq).toEqual({ number: 1, method: "REGISTER" });
    if (typeof response === "string") throw new Error(response);
    expect(response.status).toBe(401);
    expect(response.texts("WWW-Authenticate")).toHaveLength(2);
    expect(response.to.params.get("tag")).toBe("t1");
  });

  test("503 keeps its Retry-After", async () => {
    const { stack, network, to } = await setUp(kind, name);
    network.answer = (request) =>
      newResponse(request, 503, { headers: [["Retry-After", "17"]], toTag: "t" });
    await stack.listen(() => undefined);
    const response = await outcome(stack, register(), to);
    if (typeof response === "string") throw new Error(response);
    expect([response.status, response.text("Retry-After")]).toEqual([503, "17"]);
  });

  test("a NOTIFY over the flow the UE opened is delivered once and answered there", async () => {
    const { stack, network, to } = await setUp(kind, name);
    network.answer = (request) => newResponse(request, 200, { toTag: "t" });
    const bodies: string[] = [];
    await stack.listen((incoming) => {
      bodies.push(incoming.request.body.toString());
      incoming.respond(newResponse(incoming.request, 200, { toTag: "ue" }));
    });
    await outcome(stack, register(), to);
    const [local] = stack.local;
    const notify = newRequest(
      "NOTIFY",
      `sip:alice@127.0.0.1:${local?.port}`,
      [
        ["Via", `SIP/2.0/${name.toUpperCase()} 127.0.0.1:${to.port};branch=z9hG4bKn1;rport`],
        ["From", "<sip:alice@ims.example.org>;tag=s"],
        ["To", "<sip:alice@ims.example.org>;tag=f1"],
        ["Call-ID", "c2"],
        ["CSeq", "1 NOTIFY"],
        ["Max-Forwards", "70"],
        ["Event", "reg"],
        ["Subscription-State", "active;expires=60"],
        ["Content-Type", "application/reginfo+xml"],
      ],
      Buffer.from("<reginfo/>\r\n"),
    );
    // RFC 3261 §17.2.2: only datagrams are repeated; Timer J is 0 on a stream.
    for (const _ of name === "udp" ? ["first", "repeated"] : ["first"]) {
      const answer = network.next();
      network.send(notify);
      expect(await answer).toMatchObject({ kind: "response", status: 200 });
    }
    expect(bodies).toEqual(["<reginfo/>\r\n"]);
  });

  // Only a stream says so at once; over UDP it is Timer F's to tell.
  if (name === "tcp") {
    test("nobody there: a failure, not silence", async () => {
      const { stack } = await setUp(kind, name);
      await stack.listen(() => undefined);
      const port = await freePort(transportOf(name));
      expect(await outcome(stack, register(), { host, port, transport: name })).toBe("refused");
    });
  }
});
