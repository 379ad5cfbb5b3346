// S-CSCFs that share one name: whoever of them lives gets what is sent to it. RFC 3263 §4.3, TS 24.229 §5.2.6.3.
import { Via } from "@ims-lab/common/sip/message/fields";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { TextRows } from "@ims-lab/common/testing/text-rows";
import { describe, expect, test } from "vitest";
import { TABLES } from "../../src/rows.ts";
import { byRendezvous } from "../../src/scscfs/scscf-pool.ts";
import { ACCESS, ALICE, CORE, credentials, Lab, type Peer, SCSCF, UE, uriOf } from "../lab.ts";

const SECOND = { host: "10.1.0.3", port: 6070 };
const URIS = [`sip:${SCSCF.host}:${SCSCF.port}`, `sip:${SECOND.host}:${SECOND.port}`];
const NAME = "scscf.ims.example";
const SERVICE_ROUTE = `<sip:orig-1@${NAME}:6060;lr>`;
const SETTINGS = [`--scscf=${URIS.join(",")}`, "--cluster.name=SCSCF.ims.example"];

type Extra = readonly (readonly [string, string])[];

interface Cluster {
  readonly lab: Lab;
  readonly ue: Peer;
  /** The node that alice's registrations are tried at first, and the other one. */
  readonly own: Peer;
  readonly other: Peer;
}

async function cluster(start: () => Promise<Lab> = () => Lab.start(...SETTINGS)): Promise<Cluster> {
  const lab = await start();
  const [ue, one, two] = [await lab.peer(UE), await lab.peer(SCSCF), await lab.peer(SECOND)];
  const isSwapped = byRendezvous(ALICE, URIS)[0] !== URIS[0];
  return { lab, ue, own: isSwapped ? two : one, other: isSwapped ? one : two };
}

/** Whoever is named answers OPTIONS; what else has come stays in the inboxes. */
function pass({ lab }: Cluster, alive: readonly Peer[], milliseconds: number): void {
  for (let passed = 0; passed < milliseconds; passed += 20) {
    lab.run(20);
    for (const peer of alive)
      for (const message of peer.inbox.filter(isOptions)) {
        peer.inbox.splice(peer.inbox.indexOf(message), 1);
        if (message.kind === "request") peer.reply(newResponse(message, 200));
      }
  }
}

function isOptions({ startLine }: { readonly startLine: string }): boolean {
  return startLine.startsWith("OPTIONS ");
}

/** Methods of the requests that have come, without OPTIONS and what came again; forgets them. */
function taken(peer: Peer): readonly string[] {
  const requests = peer.inbox.splice(0).filter((each) => each.kind === "request");
  const first = new Map(
    requests.map((each) => [each.get(Via)?.branch ?? each.startLine, each.method]),
  );
  return [...first.values()].filter((method) => method !== "OPTIONS");
}

function accepted(on: Cluster, register: SipRequest): ReturnType<typeof newResponse> {
  const response = on.lab.accepted(register);
  response.set("Service-Route", SERVICE_ROUTE);
  return response;
}

/** At its own node; gives the Path. */
function registered(on: Cluster): string {
  on.ue.send(on.lab.register(on.ue), ACCESS);
  on.lab.run();
  const register = on.own.takeRequest("REGISTER");
  on.own.reply(accepted(on, register));
  on.lab.run();
  on.ue.takeResponse(200);
  return register.text("Path") ?? "";
}

function fromUe({ lab, ue }: Cluster, method: string, extra: Extra = []): SipRequest {
  const given = new Set(extra.map(([name]) => name));
  const usual: Extra = [
    ["Route", `<sip:10.0.0.1:5060;lr>, ${SERVICE_ROUTE}`],
    ["Call-ID", `${method}-1`],
    ["Contact", `<sip:alice@${UE.host}:${UE.port}>`],
    ["Event", "reg"],
  ];
  return lab.request(ue, method, ALICE, [...usual.filter(([name]) => !given.has(name)), ...extra]);
}

describe("a request to the cluster's name", () => {
  test("goes to the node that answered the REGISTER, as it was written; our Record-Route is the address that node knows", async () => {
    const advertise = "--core.advertise=10.1.0.0/24=192.0.2.99:4060,0.0.0.0/0=198.51.100.9:4060";
    const on = await cluster(() => Lab.start(...SETTINGS, advertise));
    registered(on);
    on.ue.send(fromUe(on, "SUBSCRIBE"), ACCESS);
    on.lab.run();
    const got = on.own.takeRequest("SUBSCRIBE");
    expect(got.texts("Route")).toEqual([SERVICE_ROUTE]);
    expect(got.texts("Record-Route")[0]).toContain("@192.0.2.99:4060");
    expect(taken(on.other)).toEqual([]);
  });

  test.each(["SUBSCRIBE", "INVITE"])(
    "%s: a node that is silent and gives no sign of life is left after four seconds; the next request does not wait",
    async (method) => {
      const on = await cluster();
      registered(on);
      on.ue.send(fromUe(on, method), ACCESS);
      pass(on, [on.other], 3_900);
      expect(taken(on.other)).toEqual([]);
      pass(on, [on.other], 200);
      expect(taken(on.own)).toEqual([method]);
      on.other.reply(newResponse(on.other.takeRequest(method), 200, { toTag: "s" }));
      on.lab.run();
      expect(on.ue.inbox.map(({ startLine }) => startLine)).toContain("SIP/2.0 200 OK");
      on.ue.send(fromUe(on, "MESSAGE"), ACCESS);
      on.lab.run();
      expect([taken(on.own), taken(on.other)]).toEqual([[], ["MESSAGE"]]);
      expect(on.lab.log.named("scscf.down")).toHaveLength(1);
    },
  );

  test("a node that lives and takes its time keeps it: nobody gets it twice", async () => {
    const on = await cluster();
    registered(on);
    on.ue.send(fromUe(on, "MESSAGE"), ACCESS);
    pass(on, [on.own, on.other], 25_000);
    expect([taken(on.own), taken(on.other)]).toEqual([["MESSAGE"], []]);
  });

  test("what waits for a node goes on when OPTIONS finds it dead, and what it has begun to answer does not", async () => {
    const on = await cluster();
    registered(on);
    on.ue.send(fromUe(on, "INVITE"), ACCESS);
    on.lab.run();
    on.own.reply(newResponse(on.own.takeRequest("INVITE"), 100));
    on.ue.send(fromUe(on, "SUBSCRIBE"), ACCESS);
    pass(on, [on.other], 4_500);
    expect(taken(on.other)).toEqual(["SUBSCRIBE"]);
  });

  test("503: the other node at once; both of them: 500, and no third try", async () => {
    const on = await cluster();
    registered(on);
    on.ue.send(fromUe(on, "SUBSCRIBE"), ACCESS);
    on.lab.run();
    on.own.reply(newResponse(on.own.takeRequest("SUBSCRIBE"), 503));
    on.lab.run();
    on.other.reply(newResponse(on.other.takeRequest("SUBSCRIBE"), 503));
    on.lab.run();
    on.ue.takeResponse(500);
    pass(on, [on.own, on.other], 5_000);
    expect([taken(on.own), taken(on.other)]).toEqual([[], []]);
  });

  test("a 503 for an INVITE that was cancelled goes to nobody else", async () => {
    const on = await cluster();
    registered(on);
    const invite = fromUe(on, "INVITE");
    on.ue.send(invite, ACCESS);
    on.lab.run();
    const got = on.own.takeRequest("INVITE");
    const cancel = fromUe(on, "CANCEL", [
      ["Via", invite.texts("Via")[0] ?? ""],
      ["Call-ID", invite.callId],
    ]);
    on.ue.send(cancel, ACCESS);
    on.lab.run();
    on.own.reply(newResponse(got, 503));
    on.lab.run();
    expect(taken(on.other)).toEqual([]);
  });

  test("both are taken for dead: each gets its three seconds, the one that serves the user first", async () => {
    const on = await cluster();
    registered(on);
    pass(on, [], 10_000);
    expect(on.lab.log.named("scscf.down")).toHaveLength(2);
    taken(on.own);
    taken(on.other);
    on.ue.send(fromUe(on, "SUBSCRIBE"), ACCESS);
    on.lab.run(2_900);
    expect([taken(on.own), taken(on.other)]).toEqual([["SUBSCRIBE"], []]);
    on.lab.run(200);
    expect(taken(on.other)).toEqual(["SUBSCRIBE"]);
  });

  test.each([
    ["in a dialog, at another port", `<sip:${NAME}:6070;lr>`, ["BYE"]],
    ["in a dialog, by service", `<sip:${NAME};lr>`, ["BYE"]],
    ["another name", "<sip:s-cscf.ims.example;lr>", []],
  ])("%s", async (_name, route, methods) => {
    const on = await cluster();
    registered(on);
    on.ue.send(fromUe(on, "INVITE"), ACCESS);
    on.lab.run();
    const invite = on.own.takeRequest("INVITE");
    const own = invite.texts("Record-Route").toReversed();
    const bye = fromUe(on, "BYE", [
      ["Route", [...own, route].join(", ")],
      ["Call-ID", invite.callId],
      ["To", `<${ALICE}>;tag=callee`],
      ["CSeq", "2 BYE"],
    ]);
    on.ue.send(bye, ACCESS);
    await on.lab.clock.advanceAsync(20);
    expect(taken(on.own)).toEqual(methods);
  });

  test("sips: no node that is not reached by TLS", async () => {
    const on = await cluster();
    const register = on.lab.register(on.ue);
    on.ue.send(register, ACCESS);
    on.lab.run();
    const response = on.lab.accepted(on.own.takeRequest("REGISTER"));
    response.set("Service-Route", `<sips:orig-1@${NAME};lr>`);
    on.own.reply(response);
    on.lab.run();
    on.ue.takeResponse(200);
    on.ue.send(fromUe(on, "MESSAGE", [["Route", `<sips:orig-1@${NAME};lr>`]]), ACCESS);
    await on.lab.clock.advanceAsync(5_000);
    expect([taken(on.own), taken(on.other)]).toEqual([[], []]);
  });
});

describe("who serves the user", () => {
  test("is whoever answered last, also after the other one is back, and over a restart", async () => {
    const store = new TextRows(TABLES);
    const on = await cluster(() => Lab.startWith(store, ...SETTINGS));
    registered(on);
    on.ue.send(fromUe(on, "SUBSCRIBE"), ACCESS);
    pass(on, [on.other], 4_200);
    on.other.reply(newResponse(on.other.takeRequest("SUBSCRIBE"), 200, { toTag: "s" }));
    pass(on, [on.own, on.other], 20_000);
    expect(on.lab.log.named("scscf.up")).toHaveLength(1);
    taken(on.own);
    on.ue.send(fromUe(on, "MESSAGE"), ACCESS);
    on.lab.run();
    expect([taken(on.own), taken(on.other)]).toEqual([[], ["MESSAGE"]]);
    on.ue.send(on.lab.register(on.ue, [["CSeq", "2 REGISTER"]]), ACCESS);
    on.lab.run();
    expect([taken(on.own), taken(on.other)]).toEqual([[], ["REGISTER"]]);

    const next = await cluster(() => on.lab.restarted(1_000, store, ...SETTINGS));
    next.ue.send(fromUe(next, "MESSAGE"), ACCESS);
    next.lab.run();
    expect([taken(next.own), taken(next.other)]).toEqual([[], ["MESSAGE"]]);
  });
});

describe("a request of the other node", () => {
  test.each([
    ["NOTIFY", "alice", "other"],
    ["MESSAGE", "", "other"],
    ["BYE", "alice", "own"], // a dialog's may come by any of them
  ])("%s, To tag '%s': the user is at the %s one from now on", async (method, tag, serving) => {
    const on = await cluster();
    const path = uriOf(registered(on));
    const request = on.lab.request(on.other, method, `sip:alice@${UE.host}:${UE.port}`, [
      ["Route", `<${path};lr>`],
      ["From", `<${ALICE}>;tag=s`],
      ["To", `<${ALICE}>${tag === "" ? "" : `;tag=${tag}`}`],
    ]);
    on.other.send(request, CORE);
    on.lab.run();
    on.ue.takeRequest(method);
    on.ue.send(on.lab.register(on.ue, [["CSeq", "2 REGISTER"]]), ACCESS);
    on.lab.run();
    const got = { own: taken(on.own), other: taken(on.other) };
    expect(got).toEqual({ own: [], other: [], [serving]: ["REGISTER"] });
  });
});

describe("the subscription of Figure 4", () => {
  const PACKAGE = "network-initiated-reregistration";

  function subscribe(on: Cluster, by: Peer, path: string, callId: string): void {
    const request = on.lab.request(by, "SUBSCRIBE", uriOf(path), [
      ["From", `<sip:${NAME}:6060>;tag=${callId}`],
      ["Call-ID", callId],
      ["Contact", `<sip:${NAME}:6060>`],
      ["P-Asserted-Identity", `<sip:${NAME}:6060>`],
      ["Event", PACKAGE],
      ["Expires", "660"],
      ["Accept", "application/reginfo+xml"],
    ]);
    by.send(request, CORE);
    on.lab.run();
    by.takeResponse(200);
  }

  test("the node that subscribed is dead: what this P-CSCF asks for reaches the other one, in the same dialog (Figure 5)", async () => {
    const on = await cluster();
    const path = registered(on);
    subscribe(on, on.own, path, "fig4");
    on.own.reply(newResponse(on.own.takeRequest("NOTIFY"), 200));
    pass(on, [on.other], 9_000);
    taken(on.own);
    expect(on.lab.pcscf.notifier.ask(ALICE).kind).toBe("asked");
    on.lab.run();
    const asked = on.other.takeRequest("NOTIFY");
    expect([asked.callId, asked.body.toString()]).toEqual([
      "fig4",
      expect.stringContaining('event="shortened"'),
    ]);
    expect(taken(on.own)).toEqual([]);
  });

  test("the other one subscribes anew: the asking ends the dead one's dialog, and arrives once", async () => {
    const on = await cluster();
    const path = registered(on);
    subscribe(on, on.own, path, "fig4");
    on.own.reply(newResponse(on.own.takeRequest("NOTIFY"), 200));
    pass(on, [on.other], 9_000);
    subscribe(on, on.other, path, "anew");
    on.other.reply(newResponse(on.other.takeRequest("NOTIFY"), 200));
    on.lab.run();
    expect(on.lab.pcscf.notifier.size).toBe(2);
    on.lab.pcscf.notifier.ask(ALICE);
    on.lab.run();
    const notifies = [on.other.takeRequest("NOTIFY"), on.other.takeRequest("NOTIFY")];
    for (const notify of notifies)
      on.other.reply(newResponse(notify, notify.callId === "anew" ? 200 : 481));
    on.lab.run();
    expect(on.lab.pcscf.notifier.size).toBe(1);
  });
});

describe("this P-CSCF's own subscription (TS 24.229 §5.2.3)", () => {
  test("a NOTIFY of the other node belongs to it, and its refresh reaches that node", async () => {
    const on = await cluster(() => Lab.start(...SETTINGS, "--subscribeReg=true"));
    registered(on);
    on.lab.run();
    const subscribe = on.own.takeRequest("SUBSCRIBE");
    expect(subscribe.texts("Route")).toEqual([SERVICE_ROUTE]);
    const headers: [string, string][] = [
      ["Contact", `<sip:${NAME}:6060>`],
      ["Expires", "60"],
    ];
    on.own.reply(newResponse(subscribe, 200, { toTag: "s", headers }));
    pass(on, [on.other], 9_000);
    const notify = on.lab.request(on.other, "NOTIFY", `sip:${CORE.host}:${CORE.port}`, [
      ["From", `<${ALICE}>;tag=s`],
      ["To", subscribe.text("From") ?? ""],
      ["Call-ID", subscribe.callId],
      ["Contact", `<sip:${NAME}:6060>`],
      ["Event", "reg"],
      ["Subscription-State", "active;expires=60"],
    ]);
    on.other.send(notify, CORE);
    on.lab.run();
    on.other.takeResponse(200);
    pass(on, [on.other], 60_000);
    expect(taken(on.other)[0]).toBe("SUBSCRIBE");
    expect(on.lab.log.named("core.refused")).toEqual([]);
  });
});

test("a REGISTER goes on to the node that lives, with the same Path, and the registration is the same one", async () => {
  const on = await cluster();
  const path = registered(on);
  pass(on, [on.other], 9_000);
  taken(on.own);
  const answer: Extra = [
    ["CSeq", "2 REGISTER"],
    ["Authorization", credentials("n1", "r")],
  ];
  on.ue.send(on.lab.register(on.ue, answer), ACCESS);
  on.lab.run();
  const register = on.other.takeRequest("REGISTER");
  expect(register.text("Path")).toBe(path);
  on.other.reply(accepted(on, register));
  on.lab.run();
  on.ue.takeResponse(200);
  expect(on.lab.pcscf.table.ofImpu(ALICE)).toHaveLength(1);
});
