// Re-authentication through the S-CSCF: Figures 3 to 5 of seed/S3z010092 and every end.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { formatReginfo } from "@ims-lab/common/ims/reginfo";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import type { Reauthentication } from "../../src/registration/reauthentication.ts";
import { Device, DOMAIN, Lab, PCSCF, type Peer, reginfoOf, rowsOf } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
let bob: Device;
async function start(...argv: readonly string[]): Promise<void> {
  ({ lab, pcscf } = await Lab.start(...argv));
  bob = new Device(lab, pcscf, "bob");
}
beforeEach(() => start("--pcscf.subscribe=false"));

function ask(cause: "operator" | "pcscf" = "operator"): string {
  const [asked] = lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], cause);
  lab.run();
  return asked?.id ?? "";
}
function one(id: string): Reauthentication | undefined {
  return lab.scscf.reauthentications.get(id);
}
const end = (id: string): unknown => {
  const found = one(id);
  return found?.progress === "ended" ? found.end : found?.progress;
};
const own = { integrity: "ip-assoc-yes" };

describe("Figure 3", () => {
  beforeEach(() => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
  });
  test("NOTIFY shortened, 200, REGISTER challenged although protected, 200, NOTIFY refreshed", () => {
    const id = ask();
    const [trigger] = pcscf.take("NOTIFY");
    expect(rowsOf(trigger)).toEqual(["bob shortened", "robert shortened"]);
    const [row] = reginfoOf(trigger).registrations.flatMap(({ contacts }) => contacts);
    expect(row).toMatchObject({ expires: 60, callId: bob.callId, cseq: bob.cseq, state: "active" });
    expect(end(id)).toBe("acknowledged");
    expect(bob.register({ ...own, silent: true }).status).toBe(401);
    expect(end(id)).toBe("challenged");
    expect(bob.register(own).status).toBe(200);
    expect(end(id)).toBe("reauthenticated");
    expect(pcscf.take("NOTIFY").map(rowsOf)).toEqual([["bob refreshed", "robert refreshed"]]);
    expect(bob.register({ ...own, silent: true }).status).toBe(200);
  });
  test("a second asking joins: one NOTIFY, N stays, two askers", () => {
    const id = ask();
    lab.run(30_000);
    expect(ask("pcscf")).toBe(id);
    expect(one(id)?.askers.map(({ cause }) => cause)).toEqual(["operator", "pcscf"]);
    expect(pcscf.take("NOTIFY")).toHaveLength(1);
    lab.run(29_980);
    expect(end(id)).toBe("ignored");
  });
  test("re-SUBSCRIBE right after the trigger shows it again, with the time that is left", () => {
    ask();
    lab.run(10_000);
    pcscf.take("NOTIFY");
    bob.subscribe(OWN_PACKAGE, 3600, [["Call-ID", "second"]]);
    const [notify] = pcscf.take("NOTIFY");
    expect(rowsOf(notify)).toEqual(["bob shortened", "robert shortened"]);
    expect(reginfoOf(notify).registrations[0]?.contacts[0]?.expires).toBe(50);
  });
  test("the binding expires at NOTIFY + N, and the API says so", () => {
    ask();
    const [binding] = lab.scscf.bindings.all();
    const notifiedAt = binding?.reauthentication?.course.notifiedAt ?? 0;
    expect(binding?.expiresAt).toBe(notifiedAt + 60_000);
  });
});

describe("each end", () => {
  beforeEach(() => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
  });
  const gone = (): void => expect(lab.scscf.bindings.size).toBe(0);

  test("ignored: acknowledged, no REGISTER; the UE is told `expired`", () => {
    const id = ask();
    pcscf.take("NOTIFY");
    lab.run(60_000);
    expect(end(id)).toBe("ignored");
    gone();
    const [notify] = pcscf.take("NOTIFY");
    expect(notify?.text("Subscription-State")).toBe("terminated;reason=noresource");
    expect(rowsOf(notify)).toEqual(["bob expired", "robert expired"]);
  });
  test("unreachable: the NOTIFY is not answered", () => {
    pcscf.answers = () => undefined;
    const id = ask();
    lab.run(60_000);
    expect(end(id)).toBe("unreachable");
    expect(one(id)?.course.notifyFailure).toBe("NOTIFY not answered");
    gone();
  });
  test("unreachable: the NOTIFY is rejected, the deadline decides all the same", () => {
    pcscf.answers = () => 481;
    const id = ask();
    lab.run(59_000);
    expect(end(id)).toBe("notified");
    lab.run(2000);
    expect(end(id)).toBe("unreachable");
    gone();
  });
  test("unanswered: challenged, no answer; evasion by repeated REGISTERs gains nothing", () => {
    const id = ask();
    for (let turn = 0; turn < 9; turn++) {
      bob.register({ ...own, silent: true });
      lab.run(30_000);
    }
    expect(end(id)).toBe("unanswered");
    gone();
  });
  test("refused: a wrong answer; the binding stays until the deadline", () => {
    const id = ask();
    expect(bob.register({ ...own, password: "wrong" }).status).toBe(403);
    expect(end(id)).toBe("challenged");
    lab.run(240_000);
    expect(end(id)).toBe("refused");
    gone();
  });
  test("refused at once with reauthentication.onRefused=deregister", async () => {
    await start("--pcscf.subscribe=false", "--reauthentication.onRefused=deregister");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const id = ask();
    bob.register({ ...own, password: "wrong" });
    expect(end(id)).toBe("refused");
    gone();
  });
  test("withdrawn: the UE de-registers; challenged once, then it takes effect anyway", () => {
    const id = ask();
    expect(bob.register({ ...own, expires: 0, silent: true }).status).toBe(401);
    expect(lab.scscf.bindings.size).toBe(1);
    expect(bob.register({ ...own, expires: 0, silent: true }).status).toBe(200);
    expect(end(id)).toBe("withdrawn");
    gone();
  });
  test("unsubscribed: nobody to notify by the subscription deadline", async () => {
    await start("--pcscf.subscribe=false");
    bob.register();
    const id = ask();
    expect(end(id)).toBe("requested");
    lab.run(32_000);
    expect(end(id)).toBe("unsubscribed");
    gone();
  });
});

describe("asked before the UE has subscribed", () => {
  test("the trigger follows the SUBSCRIBE", () => {
    bob.register();
    const id = ask();
    lab.run(5000);
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.run();
    const [, trigger] = pcscf.take("NOTIFY");
    expect(rowsOf(trigger)).toEqual(["bob shortened", "robert shortened"]);
    expect(end(id)).toBe("acknowledged");
  });
  test("an optional device: takes effect at its next REGISTER", () => {
    const phone = new Device(lab, pcscf, "phone");
    phone.register();
    const id = ask();
    lab.run(100_000);
    expect(phone.register({ ...own, silent: true }).status).toBe(401);
    expect(phone.register(own).status).toBe(200);
    expect(end(id)).toBe("reauthenticated");
  });
});

describe("two packages, several watchers", () => {
  test("with both, the trigger goes out on the own package only", () => {
    bob.register();
    bob.subscribe(REG_PACKAGE, 3600);
    bob.subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    ask();
    expect(pcscf.take("NOTIFY").map((one) => one.text("Event"))).toEqual([OWN_PACKAGE]);
  });
  test("`reg` alone does as well, and is told in a partial document", () => {
    bob.register();
    bob.subscribe(REG_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    ask();
    const [trigger] = pcscf.take("NOTIFY");
    expect(reginfoOf(trigger)).toMatchObject({ version: 1, state: "partial" });
    expect(rowsOf(trigger)).toEqual(["bob shortened", "robert shortened"]);
  });
  test("the P-CSCF's own `reg` subscription hears of it too", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const uri = `sip:${PCSCF.host}:${PCSCF.port}`;
    bob.subscribe(REG_PACKAGE, 7200, [
      ["P-Asserted-Identity", `<${uri}>`],
      ["Contact", `<${uri}>`],
      ["Call-ID", "pcscf-1"],
    ]);
    pcscf.take("NOTIFY");
    ask();
    expect(pcscf.take("NOTIFY").map((one) => one.text("Event"))).toEqual([
      OWN_PACKAGE,
      REG_PACKAGE,
    ]);
  });
});

describe("two devices of one user", () => {
  test("asking on the IMPU asks both, each is told and each must answer", () => {
    const two = new Device(lab, pcscf, "bob", "2");
    for (const one of [bob, two]) {
      one.register();
      one.subscribe(OWN_PACKAGE, 3600);
    }
    lab.run(6000);
    pcscf.take("NOTIFY");
    const asked = lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
    lab.run();
    const last = new Map(pcscf.take("NOTIFY").map((notify) => [notify.uri, notify]));
    expect([...last.values()].map(rowsOf)).toEqual([
      ["bob shortened", "bob shortened", "robert shortened", "robert shortened"],
      ["bob shortened", "bob shortened", "robert shortened", "robert shortened"],
    ]);
    bob.register(own);
    expect(asked.map(({ id }) => end(id))).toEqual(["reauthenticated", "acknowledged"]);
    lab.run(60_000);
    expect(asked.map(({ id }) => end(id))).toEqual(["reauthenticated", "ignored"]);
    expect([...lab.scscf.bindings.all()].map(({ callId }) => callId)).toEqual(["reg-bob"]);
  });
});

describe("strangers change nothing for the victim", () => {
  test("their REGISTERs and wrong answers leave the re-authentication as it is", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const id = ask();
    const before = one(id);
    const thief = new Device(lab, pcscf, "bob");
    Object.assign(thief, { callId: "thief" });
    expect(thief.register({ password: "guess" }).status).toBe(403);
    expect(thief.register({ silent: true }).status).toBe(401);
    expect(thief.register({ silent: true, expires: 0 }).status).toBe(401);
    expect(one(id)).toEqual(before);
    expect(bob.register(own).status).toBe(200);
    expect(end(id)).toBe("reauthenticated");
  });
});

describe("Figures 4 and 5", () => {
  let subscribe: SipRequest | undefined;
  beforeEach(async () => {
    await start();
    bob.path = "<sip:edge@10.1.0.1:4060;lr>,<sip:tok-bob@10.1.0.1:4060;lr>";
    bob.register();
    expect(pcscf.take("SUBSCRIBE")).toHaveLength(0);
    bob.subscribe(OWN_PACKAGE, 3600);
    [subscribe] = pcscf.take("SUBSCRIBE");
    pcscf.take("NOTIFY");
  });

  test("SUBSCRIBE at the P-CSCF: Request-URI, Route, To, identities, Expires", () => {
    expect(subscribe?.uri).toBe("sip:tok-bob@10.1.0.1:4060;lr");
    expect(subscribe?.texts("Route")).toEqual(["<sip:edge@10.1.0.1:4060;lr>"]);
    expect(subscribe?.to.uriText).toBe(`sip:bob@${DOMAIN}`);
    for (const name of ["From", "Contact", "P-Asserted-Identity"]) {
      expect(subscribe?.text(name)).toContain("<sip:10.1.0.2:6060>");
    }
    expect(subscribe?.text("Event")).toBe(OWN_PACKAGE);
    expect(Number(subscribe?.text("Expires"))).toBe(3660);
  });

  const notify = (headers: readonly (readonly [string, string])[], cseq: number): number => {
    const { callId = "", from } = subscribe ?? {};
    const row = {
      id: "c",
      state: "active" as const,
      event: "shortened" as const,
      uri: "sip:bob@192.0.2.1:5060",
      expires: 60,
      callId: bob.callId,
      cseq,
    };
    const registration = { aor: bob.impu, id: "r", state: "active" as const, contacts: [row] };
    const body = formatReginfo({ version: cseq, state: "full", registrations: [registration] });
    const request = lab.request(pcscf, "NOTIFY", "sip:10.1.0.2:6060", bob.impu, [
      ["From", `<${bob.impu}>;tag=peer`],
      ["To", `<sip:10.1.0.2:6060>;tag=${from?.params.get("tag")}`],
      ["Call-ID", callId],
      ["CSeq", `${cseq} NOTIFY`],
      ["Contact", "<sip:10.1.0.1:4060>"],
      ["Event", OWN_PACKAGE],
      ["Subscription-State", "active;expires=3000"],
      ["Content-Type", "application/reginfo+xml"],
      ...headers,
    ]);
    request.setBody(Buffer.from(body), "application/reginfo+xml");
    return lab.exchange(pcscf, request).status;
  };

  test("its NOTIFY asks: 200 at once, then NOTIFY to the UE, cause pcscf", () => {
    expect(notify([], 1)).toBe(200);
    lab.run();
    const [trigger] = pcscf.take("NOTIFY");
    expect(rowsOf(trigger)).toEqual(["bob shortened", "robert shortened"]);
    expect(lab.scscf.reauthentications.list()[0]).toMatchObject({ cause: "pcscf" });
  });
  test("out of dialog: 481, nobody is asked", () => {
    expect(notify([["Call-ID", "other"]], 1)).toBe(481);
    expect(notify([["To", "<sip:10.1.0.2:6060>;tag=guess"]], 1)).toBe(481);
    expect(lab.scscf.reauthentications.list()).toHaveLength(0);
  });
  test("the dashed messages: renewed after a re-registration", () => {
    notify([], 1);
    pcscf.take("NOTIFY");
    bob.register(own);
    const [renewal] = pcscf.take("SUBSCRIBE");
    expect(renewal?.callId).toBe(subscribe?.callId);
    expect(Number(renewal?.text("Expires"))).toBe(3660);
  });
  test("the binding goes: un-SUBSCRIBE", () => {
    notify([], 1);
    lab.run(61_000);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(pcscf.take("SUBSCRIBE").at(-1)?.text("Expires")).toBe("0");
  });
});

describe("a foreign P-CSCF that knows no such thing", () => {
  test("said once, life goes on", async () => {
    await start();
    pcscf.answers = ({ method }) => (method === "SUBSCRIBE" ? 489 : 200);
    const carol = new Device(lab, pcscf, "carol");
    for (const one of [bob, carol]) {
      one.register();
      one.subscribe(OWN_PACKAGE, 3600);
    }
    expect(lab.log.named("pcscf.subscription-over")).toHaveLength(1);
    expect(lab.scscf.bindings.size).toBe(2);
  });
});

describe("a device that never subscribed is gone", () => {
  test("the P-CSCF learns it by a SUBSCRIBE with Expires 0 that names the user", async () => {
    await start();
    bob.register();
    lab.run(32_010);
    const [last] = pcscf.take("SUBSCRIBE");
    expect(last?.text("Expires")).toBe("0");
    expect(last?.to.uriText).toBe(`sip:bob@${DOMAIN}`);
    expect(last?.uri).toBe("sip:tok-bob@10.1.0.1:4060;lr");
  });
});
