// One user's share of an S-CSCF: at each limit all is well, over it there is an answer and a count.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { expect, test } from "vitest";
import { Device, DOMAIN, Lab, PCSCF } from "./lab.ts";

test("limits.maxSubscriptionsPerUser: over it 403, for this user alone; a fetch and a refresh pass", async () => {
  const { lab, pcscf } = await Lab.start("--limits.maxSubscriptionsPerUser=2");
  const [bob, carol] = ["bob", "carol"].map((user) => new Device(lab, pcscf, user));
  for (const one of [bob, carol]) expect(one?.register().status).toBe(200);
  const subscribe = (who: Device | undefined, name: string, expires = 600): number =>
    who?.subscribe(OWN_PACKAGE, expires, [["Call-ID", name]]).status ?? 0;
  expect([subscribe(bob, "1"), subscribe(bob, "2")]).toEqual([200, 200]);
  expect(lab.limited).toEqual([]);
  expect(subscribe(bob, "3")).toBe(403);
  expect(lab.limited).toEqual(["subscriptions-per-user"]);
  expect(lab.scscf.notifier.size).toBe(2);
  expect(subscribe(bob, "4", 0)).toBe(200);
  expect(subscribe(carol, "1-of-carol")).toBe(200);
  expect(lab.limited).toHaveLength(1);
});

test("limits.maxChallengesPerUser: over it one is counted, and those that are there are still answerable", async () => {
  const { lab, pcscf } = await Lab.start("--limits.maxChallengesPerUser=2");
  const others = ["-a", "-b", "-c"].map((suffix) => new Device(lab, pcscf, "bob", suffix));
  const challenged = others.map((one) => one.register({ silent: true }).status);
  expect(challenged).toEqual([401, 401, 401]);
  expect(lab.limited).toEqual(["challenges-per-user"]);
  expect(others.map((one) => one.register().status)).toEqual([200, 200, 200]);
});

test("contacts.maxPerImpi: over it the oldest makes room, and it is counted", async () => {
  const { lab, pcscf } = await Lab.start("--contacts.maxPerImpi=2");
  const register = (suffix: string): number => {
    lab.run(1000);
    return new Device(lab, pcscf, "bob", suffix).register().status;
  };
  expect([register("-a"), register("-b")]).toEqual([200, 200]);
  expect(lab.limited).toEqual([]);
  expect(register("-c")).toBe(200);
  expect(lab.limited).toEqual(["contacts-per-user"]);
  expect(lab.scscf.bindings.size).toBe(2);
});

test("limits.maxXmlDepth: a document of its depth is read, a deeper one is 400 and counted", async () => {
  const { lab, pcscf } = await Lab.start("--limits.maxXmlDepth=4");
  new Device(lab, pcscf, "phone").register();
  const [subscribe] = pcscf.take("SUBSCRIBE");
  if (subscribe === undefined) throw new Error("the S-CSCF did not subscribe");
  const asking = (levels: number, cseq: number): number => {
    const more = '<a xmlns="urn:a">'.repeat(levels - 3) + "</a>".repeat(levels - 3);
    const notify = lab.request(pcscf, "NOTIFY", subscribe.text("Contact")?.slice(1, -1) ?? "", "", [
      ["From", `${subscribe.text("To")};tag=peer`],
      ["To", subscribe.text("From") ?? ""],
      ["Call-ID", subscribe.callId],
      ["CSeq", `${cseq} NOTIFY`],
      ["Contact", `<sip:${PCSCF.host}:${PCSCF.port}>`],
      ["Event", OWN_PACKAGE],
      ["Subscription-State", "active;expires=600"],
    ]);
    const contact = `<contact id="c" state="active" event="shortened" expires="9" cseq="${cseq}"><uri>sip:phone@192.0.2.1:5060</uri>${more}</contact>`;
    const body = `<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="${cseq}" state="full"><registration aor="sip:phone@${DOMAIN}" id="r" state="active">${contact}</registration></reginfo>`;
    notify.setBody(Buffer.from(body), "application/reginfo+xml");
    return lab.exchange(pcscf, notify).status;
  };
  const running = (): number => lab.scscf.reauthentications.runningCount;
  expect([asking(5, 1), running(), lab.limited]).toEqual([400, 0, ["xml-depth"]]);
  expect(lab.log.named("notify.unreadable")).toMatchObject([{ why: "more than 4 levels" }]);
  expect([asking(4, 2), running(), lab.limited]).toEqual([200, 1, ["xml-depth"]]);
});
