// The P-CSCF's own `reg` subscription. TS 24.229 §5.2.3.
import { formatReginfo, type ReginfoContact } from "@ims-lab/common/ims/reginfo";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ALICE, CORE, Lab, type Peer, SCSCF, SERVICE_ROUTE, UE } from "../lab.ts";

interface Watching {
  readonly lab: Lab;
  readonly ue: Peer;
  readonly scscf: Peer;
  readonly subscribe: SipRequest;
}

/** Registered, subscribed, the 200 sent; the first NOTIFY is the test's. */
async function watching(): Promise<Watching> {
  const lab = await Lab.start("--subscribeReg=true");
  const ue = await lab.peer(UE);
  const scscf = await lab.peer(SCSCF);
  lab.registered(ue, scscf);
  const subscribe = scscf.takeRequest("SUBSCRIBE");
  const headers: [string, string][] = [
    ["Contact", "<sip:10.1.0.2:6060>"],
    ["Expires", "600000"],
  ];
  scscf.reply(newResponse(subscribe, 200, { toTag: "s", headers }));
  lab.run();
  return { lab, ue, scscf, subscribe };
}

function notify(
  { lab, scscf, subscribe }: Watching,
  contact: Partial<ReginfoContact>,
  options: {
    version?: number;
    callId?: string;
    state?: "full" | "partial";
    /** The registration has ended, and its contacts are left out. */
    ended?: boolean;
  } = {},
): SipRequest {
  const { version = 0, callId = subscribe.callId, state = "full", ended = false } = options;
  const row: ReginfoContact = {
    id: "c",
    state: "active",
    event: "registered",
    uri: "sip:alice@192.0.2.1:5060",
    ...contact,
  };
  const body = formatReginfo({
    version,
    state,
    registrations: [
      ended
        ? { aor: ALICE, id: "r", state: "terminated", contacts: [] }
        : { aor: ALICE, id: "r", state: "active", contacts: [row] },
    ],
  });
  return lab
    .request(scscf, "NOTIFY", "sip:10.1.0.1:4060", [
      ["From", `<${ALICE}>;tag=s`],
      ["To", subscribe.text("From") ?? ""],
      ["Call-ID", callId],
      ["CSeq", `${version + 1} NOTIFY`],
      ["Contact", "<sip:10.1.0.2:6060>"],
      ["Event", "reg"],
      ["Subscription-State", "active;expires=600000"],
    ])
    .setBody(Buffer.from(body), "application/reginfo+xml");
}

function told(on: Watching, request: SipRequest, status = 200): void {
  on.scscf.send(request, CORE);
  on.lab.run();
  on.scscf.takeResponse(status);
}

test("subscribes as itself to the default IMPU, along the Service-Route, once", async () => {
  const { subscribe, scscf } = await watching();
  expect(subscribe.uri).toBe(ALICE);
  expect(subscribe.to.uriText).toBe(ALICE);
  expect(subscribe.from.uriText).toBe("sip:10.1.0.1:4060");
  expect(subscribe.text("P-Asserted-Identity")).toBe("<sip:10.1.0.1:4060>");
  expect(subscribe.texts("Route")).toEqual([SERVICE_ROUTE]);
  expect(subscribe.text("Event")).toBe("reg");
  expect(scscf.inbox).toEqual([]);
});

test("`shortened` brings the own expiry forward, never back", async () => {
  const on = await watching();
  told(on, notify(on, {}));
  told(on, notify(on, { event: "shortened", expires: 60 }, { version: 1, state: "partial" }));
  const [binding] = [...on.lab.pcscf.table.all()];
  expect(binding?.expiresAt).toBeLessThanOrEqual(on.lab.clock.now() + 60_000);
  told(on, notify(on, { event: "shortened", expires: 9000 }, { version: 2, state: "partial" }));
  expect([...on.lab.pcscf.table.all()][0]?.expiresAt).toBe(binding?.expiresAt);
});

test.each(["expired", "deactivated", "rejected", "unregistered"] as const)(
  "a contact that is %s is dropped",
  async (event) => {
    const on = await watching();
    told(on, notify(on, {}));
    told(on, notify(on, { state: "terminated", event }, { version: 1, state: "partial" }));
    expect(on.lab.pcscf.table.size).toBe(0);
  },
);

test("a word on an earlier REGISTER, overtaken by the 200 to a later one, is out of date", async () => {
  const on = await watching();
  told(on, notify(on, {}));
  const [binding] = [...on.lab.pcscf.table.all()];
  const { callId = "", cseq = 0, expiresAt } = binding ?? {};
  const earlier = { callId, cseq: cseq - 1 };
  const options = { version: 1, state: "partial" } as const;
  told(on, notify(on, { ...earlier, event: "shortened", expires: 60 }, options));
  expect([...on.lab.pcscf.table.all()][0]?.expiresAt).toBe(expiresAt);
  const late = { callId: "before", cseq: 9, state: "terminated", event: "deactivated" } as const;
  told(on, notify(on, late, { version: 2, state: "partial" }));
  expect(on.lab.pcscf.table.size).toBe(1);
  const now = { callId, cseq, state: "terminated", event: "deactivated" } as const;
  told(on, notify(on, now, { version: 3, state: "partial" }));
  expect(on.lab.pcscf.table.size).toBe(0);
});

test("a contact missing from a full document is dropped", async () => {
  const on = await watching();
  told(on, notify(on, { uri: "sip:alice@192.0.2.99" }));
  expect(on.lab.pcscf.table.size).toBe(0);
});

test.each(["full", "partial"] as const)(
  "RFC 3680 §5.3: a terminated registration without rows, %s: gone",
  async (state) => {
    const on = await watching();
    told(on, notify(on, { callId: "an-earlier-one", cseq: 1 }));
    expect(on.lab.pcscf.table.size).toBe(1);
    told(on, notify(on, {}, { version: 1, state, ended: true }));
    expect(on.lab.pcscf.table.size).toBe(0);
  },
);

describe("RFC 3680 §5.1 dates no document: a word that the 200 to a later REGISTER may have overtaken", () => {
  /** 64*T1. */
  const OVERTAKEN_MS = 32_000;
  const elsewhere = { uri: "sip:alice@192.0.2.99" };

  async function renewed(): Promise<Watching> {
    const on = await watching();
    told(on, notify(on, {}));
    on.lab.registered(on.ue, on.scscf, [["Call-ID", "later"]]);
    on.lab.run();
    on.scscf.inbox.splice(0);
    return on;
  }

  function refreshed(on: Watching): void {
    const refresh = on.scscf.takeRequest("SUBSCRIBE");
    expect(refresh.callId).toBe(on.subscribe.callId);
    on.scscf.reply(newResponse(refresh, 200, { headers: [["Expires", "600000"]] }));
    on.lab.run();
  }

  test.each<[string, Parameters<typeof notify>[1], Parameters<typeof notify>[2]]>([
    ["a full document without the contact", elsewhere, { version: 1 }],
    [
      "an end without Call-ID and CSeq",
      { state: "terminated", event: "deactivated" },
      { version: 1, state: "partial" },
    ],
    ["a registration that has ended, without rows", {}, { version: 1, ended: true }],
  ])("%s: the whole state is asked for, and counts", async (_, row, options) => {
    const on = await renewed();
    told(on, notify(on, row, options));
    expect(on.lab.pcscf.table.size).toBe(1);
    on.lab.run(OVERTAKEN_MS - 1_000);
    expect(on.scscf.inbox).toEqual([]);
    on.lab.run(1_000);
    refreshed(on);
    told(on, notify(on, {}, { version: 2 }));
    expect(on.lab.pcscf.table.size).toBe(1);

    told(on, notify(on, row, { ...options, version: 3 }));
    expect(on.lab.pcscf.table.size).toBe(0);
  });

  test("it has ended indeed: the whole state says so", async () => {
    const on = await renewed();
    told(on, notify(on, elsewhere, { version: 1 }));
    on.lab.run(OVERTAKEN_MS);
    refreshed(on);
    told(on, notify(on, elsewhere, { version: 2 }));
    expect(on.lab.pcscf.table.size).toBe(0);
  });

  test("one that names the later REGISTER counts at once", async () => {
    const on = await renewed();
    const [binding] = [...on.lab.pcscf.table.all()];
    const { callId = "", cseq = 0 } = binding ?? {};
    const row = { callId, cseq, state: "terminated", event: "rejected" } as const;
    told(on, notify(on, row, { version: 1, state: "partial" }));
    expect(on.lab.pcscf.table.size).toBe(0);
  });
});

test("a partial document about another contact drops nothing; a gap asks for the full state", async () => {
  const on = await watching();
  const partial = notify(on, { uri: "sip:alice@192.0.2.99" }, { version: 3, state: "partial" });
  told(on, partial);
  expect(on.lab.pcscf.table.size).toBe(1);
  expect(on.scscf.takeRequest("SUBSCRIBE").to.params.has("tag")).toBe(true);
});

test("a network that leaves versions out each time is asked once in 30 s", async () => {
  const on = await watching();
  const gap = (version: number): void =>
    told(on, notify(on, { uri: "sip:alice@192.0.2.99" }, { version, state: "partial" }));
  gap(3);
  const refresh = on.scscf.takeRequest("SUBSCRIBE");
  on.scscf.reply(newResponse(refresh, 200, { headers: [["Expires", "600000"]] }));
  on.lab.run();
  gap(5);
  gap(7);
  expect(on.scscf.inbox).toEqual([]);
  on.lab.run(30_000);
  gap(9);
  expect(on.scscf.takeRequest("SUBSCRIBE").to.params.has("tag")).toBe(true);
});

test("outside its own dialog a NOTIFY is 481 and changes nothing", async () => {
  const on = await watching();
  told(on, notify(on, { state: "terminated", event: "rejected" }, { callId: "forged" }), 481);
  expect(on.lab.pcscf.table.size).toBe(1);
});

test("an unreadable document changes nothing, is answered 400 and logged", async () => {
  const on = await watching();
  const request = notify(on, {});
  request.setBody(Buffer.from("<reginfo"), "application/reginfo+xml");
  told(on, request, 400);
  expect(on.lab.pcscf.table.size).toBe(1);
  expect(on.lab.log.named("notify.unreadable")).toHaveLength(1);
});
