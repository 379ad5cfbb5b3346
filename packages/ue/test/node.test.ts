// A UE over the simulated network, under the fake clock, against a scripted network side.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { everyNth } from "@ims-lab/common/testing/drop-patterns";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import { UserCredentials } from "../src/isim/user-credentials.ts";
import { Lab } from "./lab.ts";

const challenge = [401, [["WWW-Authenticate", 'Digest realm="example.org",nonce="n"']]] as const;
const accepted = [200, []] as const;

describe.each(["udp", "tcp"] as const)("over %s", (transport) => {
  test("Figures 1 and 2: registers, answers the challenge, subscribes, answers the NOTIFY", async () => {
    const lab = await new Lab({ transport }).start(challenge, accepted);
    expect(lab.methods).toEqual(["REGISTER", "REGISTER", "SUBSCRIBE"]);
    const [first, second, subscribe] = lab.network.requests;
    expect(first?.uri).toBe("sip:example.org");
    expect(first?.text("Expires")).toBe("600000");
    expect(first?.texts("Supported")).toEqual(["path"]);
    expect(first?.text("Authorization")).toContain('nonce=""');
    expect(second?.callId).toBe(first?.callId);
    expect(second?.cseq.number).toBe(2);
    expect(second?.text("Authorization")).toBe('Digest response="right"');
    expect(subscribe?.uri).toBe("sip:alice@example.org");
    expect(subscribe?.to.uriText).toBe("sip:alice@example.org");
    expect(subscribe?.from.uriText).toBe("sip:alice@example.org");
    expect(subscribe?.text("Event")).toBe(OWN_PACKAGE);
    expect(subscribe?.texts("Route")).toEqual([
      transport === "udp" ? "<sip:192.0.2.1:5060;lr>" : "<sip:192.0.2.1:5060;transport=tcp;lr>",
      "<sip:s1@scscf.example.org:6060;lr>",
    ]);
    expect(subscribe?.text("Contact")?.includes("transport=tcp")).toBe(transport === "tcp");
    expect(lab.network.notified).toEqual([200]);
    expect(lab.view).toMatchObject({
      registration: {
        state: "registered",
        associatedUris: ["sip:alice@example.org", "tel:+15550001"],
      },
      subscription: { state: "active", lastNotify: { version: 0, said: null } },
    });
  });

  test("Figure 3: re-registers at once after its 200, then subscribes again in the dialog", async () => {
    const lab = await new Lab({ transport }).start();
    await lab.pass(60);
    lab.clear();
    lab.network.script = [challenge, accepted];
    lab.network.notify({ event: "shortened", expires: 60 });
    await lab.pass(1);
    expect(lab.network.notified).toEqual([200, 200]);
    expect(lab.methods).toEqual(["REGISTER", "REGISTER", "SUBSCRIBE"]);
    expect(lab.network.requests.map((request) => request.cseq.number)).toEqual([2, 3, 2]);
    expect(lab.network.requests[2]?.to.params.has("tag")).toBe(true);
    expect(lab.view.subscription?.lastNotify?.said).toBeNull();
  });
});

describe("subscription", () => {
  test("unlimited: no second SUBSCRIBE after a re-registration", async () => {
    const lab = new Lab({});
    lab.network.subscriptionSeconds = 2 ** 32 - 1;
    await lab.start();
    await lab.pass(60);
    lab.clear();
    lab.network.notify({ event: "shortened", expires: 60 }, "active;expires=4294967000");
    await lab.pass(1);
    expect(lab.methods).toEqual(["REGISTER"]);
  });

  test("another Service-Route: the network had forgotten it, so even an unlimited one is renewed", async () => {
    const lab = new Lab({});
    lab.network.subscriptionSeconds = 2 ** 32 - 1;
    await lab.start();
    await lab.pass(60);
    lab.clear();
    lab.network.script = [[200, [["Service-Route", "<sip:s2@scscf.example.org:6060;lr>"]]]];
    lab.ue.register();
    await lab.pass(1);
    expect(lab.methods).toEqual(["REGISTER", "SUBSCRIBE"]);
  });

  // 400: the SUBSCRIBE came damaged; 489: as long as it is so.
  test.each([400, 489])("%d: not by itself, but again after the next REGISTER", async (status) => {
    const lab = new Lab({ event: REG_PACKAGE });
    lab.network.subscribeStatus = status;
    await lab.start();
    await lab.pass(3600);
    expect(lab.network.of("SUBSCRIBE")).toHaveLength(1);
    lab.network.subscribeStatus = 200;
    lab.ue.register();
    await lab.pass(1);
    expect(lab.view.subscription?.state).toBe("active");
  });

  test.each([403, 481])(
    "%d to the first SUBSCRIBE: the network has lost the registration, which is made anew",
    async (status) => {
      const lab = new Lab({});
      lab.network.subscribeStatus = status;
      await lab.start(accepted, challenge, accepted);
      const [first, again, answer] = lab.network.of("REGISTER");
      expect(again?.callId).not.toBe(first?.callId);
      expect([again?.cseq.number, answer?.cseq.number]).toEqual([1, 2]);
      expect(again?.text("Authorization")).toContain('nonce=""');
      lab.network.subscribeStatus = 200;
      await lab.pass(31);
      expect(lab.view).toMatchObject({
        registration: { state: "registered", lastFailure: null },
        subscription: { state: "active" },
      });
    },
  );

  test.each([403, 481])("%d to a refresh: the same", async (status) => {
    const lab = await new Lab({}).start();
    await lab.pass(100);
    lab.network.subscribeStatus = status;
    lab.ue.register(); // and a SUBSCRIBE behind it
    await lab.pass(0.5);
    lab.network.subscribeStatus = 200;
    lab.clear();
    await lab.pass(31);
    expect(lab.view.subscription?.state).toBe("active");
    expect(lab.view.registration.state).toBe("registered");
  });

  test("a network that answers 403 to every SUBSCRIBE is not stormed", async () => {
    const lab = new Lab({});
    lab.network.subscribeStatus = 403;
    await lab.start();
    await lab.pass(3600);
    expect(lab.network.of("REGISTER").length).toBeLessThan(10);
    expect(lab.network.of("SUBSCRIBE").length).toBeLessThan(40);
    expect(lab.view.registration.state).toBe("registered");
  });

  test.each([500, 503, 504, 480, 408])(
    "%d to the first SUBSCRIBE: again, and again, within the 32 s of the duty",
    async (status) => {
      const lab = new Lab({});
      lab.network.subscribeStatus = status;
      await lab.start();
      await lab.pass(30);
      expect(lab.network.of("SUBSCRIBE").length).toBeGreaterThanOrEqual(4);
      lab.network.subscribeStatus = 200;
      await lab.pass(30);
      expect(lab.view.subscription?.state).toBe("active");
      lab.clear();
      await lab.pass(1000);
      expect(lab.methods).toEqual([]);
    },
  );

  test("the first SUBSCRIBE is lost: another one, in a dialog of its own, every eight seconds", async () => {
    const lab = new Lab({});
    lab.network.subscribeStatus = 0;
    await lab.start();
    await lab.pass(30);
    const callIds = new Set(lab.network.of("SUBSCRIBE").map(({ callId }) => callId));
    expect(callIds.size).toBe(4);
    lab.network.subscribeStatus = 200;
    await lab.pass(5);
    expect(lab.view.subscription?.state).toBe("active");
    // Of the earlier ones, which have arrived after all, nothing is left.
    expect(lab.network.notified.filter((status) => status !== 481)).toEqual([200]);
  });

  test("lost for ever: ever more seldom", async () => {
    const lab = new Lab({});
    lab.network.subscribeStatus = 0;
    await lab.start();
    await lab.pass(3600);
    const callIds = new Set(lab.network.of("SUBSCRIBE").map(({ callId }) => callId));
    expect(callIds.size).toBeLessThan(20);
  });

  test("its connection breaks under the SUBSCRIBE: again with the REGISTER over the next one", async () => {
    const lab = new Lab({ transport: "tcp" });
    lab.network.subscribeStatus = 0;
    await lab.start();
    lab.network.subscribeStatus = 200;
    lab.clear();
    lab.wire.breakStreams();
    await lab.pass(2);
    expect(lab.methods).toEqual(["REGISTER", "SUBSCRIBE"]);
    expect(lab.view.subscription?.state).toBe("active");
  });

  test("ended at once again and again: after ever longer pauses, but at once with the next REGISTER", async () => {
    const lab = await new Lab({}).start();
    for (let ends = 1; ends < 7; ends++) {
      lab.network.notify({}, "terminated;reason=timeout");
      await lab.pass(2 ** ends + 2);
      expect(lab.view.subscription?.state).toBe("active");
    }
    lab.network.notify({}, "terminated;reason=timeout");
    await lab.pass(100);
    expect(lab.view.subscription?.state).toBe("none");
    lab.ue.register();
    await lab.pass(1);
    expect(lab.view.subscription?.state).toBe("active");
  });

  test("TS 24.229 §5.1.1.3-4: both are renewed 600 s before the end, once each", async () => {
    const lab = await new Lab({ event: REG_PACKAGE }).start();
    lab.clear();
    await lab.pass(599_390);
    expect(lab.methods).toEqual([]);
    await lab.pass(20);
    expect(lab.methods).toEqual(["REGISTER", "SUBSCRIBE"]);
  });

  test("reg: shortened to 600 s means a REGISTER after 300 s", async () => {
    const lab = await new Lab({ event: REG_PACKAGE }).start();
    lab.clear();
    lab.network.notify({ event: "shortened", expires: 600 });
    await lab.pass(299);
    expect(lab.methods).toEqual([]);
    await lab.pass(2);
    expect(lab.methods).toEqual(["REGISTER", "SUBSCRIBE"]);
  });

  test("RFC 3680 §5.1: a gap is processed and followed by a refresh; an old version is not obeyed", async () => {
    const lab = await new Lab({}).start();
    await lab.pass(60);
    lab.clear();
    lab.network.notify({}, "active;expires=600000", 3);
    await lab.pass(1);
    expect(lab.methods).toEqual(["SUBSCRIBE"]);
    lab.clear();
    lab.network.notify({ event: "shortened", expires: 60 }, "active;expires=600000", -1);
    await lab.pass(1);
    expect([lab.methods, lab.network.notified]).toEqual([[], [200]]);
  });

  test("a version below the last is not obeyed, but answered by a new subscription, which hears again", async () => {
    const lab = await new Lab({}).start();
    await lab.pass(60);
    lab.network.notify({}, "active;expires=600000", 4_000_000_000);
    await lab.pass(1);
    lab.clear();
    lab.network.notify(
      { event: "shortened", expires: 60 },
      "active;expires=600000",
      -3_999_999_999,
    );
    await lab.pass(1);
    expect(lab.methods).toEqual(["SUBSCRIBE"]);
    expect(lab.network.requests[0]?.to.params.has("tag")).toBe(false);
    lab.network.notify({ event: "shortened", expires: 60 }, "active;expires=600000");
    await lab.pass(1);
    expect(lab.methods).toEqual(["SUBSCRIBE", "REGISTER", "SUBSCRIBE"]);
  });

  test("a network whose versions go down again and again is asked after ever longer pauses", async () => {
    const lab = await new Lab({}).start();
    lab.clear();
    for (let times = 0; times < 200; times++) {
      lab.network.notify({}, "active;expires=600000", 5);
      lab.network.notify({}, "active;expires=600000", -5);
      await lab.pass(1);
    }
    const initial = lab.network.of("SUBSCRIBE").filter(({ to }) => !to.params.has("tag"));
    expect(initial.length).toBeGreaterThan(2);
    expect(initial.length).toBeLessThan(12);
  });

  test("terminated while the registration stands: a new dialog", async () => {
    const lab = await new Lab({}).start();
    await lab.pass(100);
    lab.clear();
    lab.network.notify({}, "terminated;reason=timeout");
    await lab.pass(1);
    expect(lab.methods).toEqual(["SUBSCRIBE"]);
    expect(lab.network.requests[0]?.to.params.has("tag")).toBe(false);
  });

  test("terminated with noresource: no new one", async () => {
    const lab = await new Lab({}).start();
    lab.clear();
    lab.network.notify({}, "terminated;reason=noresource");
    await lab.pass(1000);
    expect(lab.methods).toEqual([]);
  });

  test("a network that does not know the own package is asked for reg", async () => {
    const lab = new Lab({});
    lab.network.subscribeStatus = 489;
    await lab.start();
    expect(lab.network.of("SUBSCRIBE").map((request) => request.text("Event"))).toEqual([
      OWN_PACKAGE,
      REG_PACKAGE,
    ]);
    await lab.pass(10_000);
    expect(lab.network.of("SUBSCRIBE")).toHaveLength(2);
  });

  test("a NOTIFY of another dialog gets 481 and changes nothing", async () => {
    const lab = await new Lab({}).start();
    lab.ue.deregister();
    await lab.pass(200);
    lab.clear();
    lab.network.notify({ state: "terminated", event: "deactivated" });
    await lab.pass(1);
    expect([lab.network.notified, lab.methods]).toEqual([[481], []]);
  });
});

describe("network-initiated de-registration", () => {
  const ended = { state: "terminated" } as const;

  test("deactivated: registers anew at once and subscribes in a new dialog", async () => {
    const lab = await new Lab({}).start();
    const callId = lab.view.registration.callId;
    lab.clear();
    lab.network.notify({ ...ended, event: "deactivated" }, "terminated;reason=deactivated");
    await lab.pass(1);
    expect(lab.network.notified).toEqual([200, 200]);
    expect(lab.methods).toEqual(["REGISTER", "SUBSCRIBE"]);
    expect(lab.network.requests[0]?.callId).not.toBe(callId);
    expect(lab.network.requests[1]?.to.params.has("tag")).toBe(false);
  });

  test("rejected: answers 200 and stays away", async () => {
    const lab = await new Lab({}).start();
    lab.clear();
    lab.network.notify({ ...ended, event: "rejected" }, "terminated;reason=noresource");
    await lab.pass(100_000);
    expect([lab.network.notified, lab.methods]).toEqual([[200], []]);
    expect(lab.view).toMatchObject({ registration: { state: "deregistered", why: "rejected" } });
  });

  test("expired: answers 200, pauses, and registers and subscribes anew", async () => {
    const lab = await new Lab({}).start();
    lab.clear();
    lab.network.notify({ ...ended, event: "expired" }, "terminated;reason=noresource");
    await lab.pass(29);
    expect([lab.network.notified, lab.methods]).toEqual([[200], []]);
    await lab.pass(32);
    expect(lab.methods).toEqual(["REGISTER", "SUBSCRIBE"]);
  });

  test("its own: the last NOTIFY is answered 200", async () => {
    const lab = await new Lab({}).start();
    lab.clear();
    lab.ue.deregister();
    await lab.pass(1);
    expect(lab.network.of("REGISTER")[0]?.text("Expires")).toBe("0");
    lab.network.notify({ ...ended, event: "unregistered" }, "terminated;reason=noresource");
    await lab.pass(1000);
    expect(lab.network.notified).toEqual([200]);
    expect(lab.methods).toEqual(["REGISTER"]);
    expect(lab.view.subscription?.state).toBe("none");
  });
});

test("a damaged 401, answered and refused: the next REGISTER starts from nothing", async () => {
  const secret = {
    scheme: "digest",
    impi: "alice@example.org",
    password: Buffer.from("x"),
  } as const;
  const random = seededRandom(3);
  const lab = new Lab({
    credentials: new UserCredentials({ secret, realm: "example.org", random }),
  });
  await lab.start();
  const damaged = 'Digest realm="EXAMPLE.ORG",nonce="N",qop="auth",algorithm=MD5';
  lab.network.script = [
    [401, [["WWW-Authenticate", damaged]]],
    [400, []],
    [200, []],
  ];
  lab.ue.register();
  await lab.pass(1);
  lab.ue.register();
  await lab.pass(1);
  const said = lab.network.of("REGISTER").map((request) => request.text("Authorization"));
  expect(said.slice(-2)).toEqual([
    expect.stringContaining('realm="EXAMPLE.ORG"'),
    expect.stringContaining('realm="example.org",nonce=""'),
  ]);
});

describe("losses", () => {
  test("every third datagram lost, both ways: registered and subscribed all the same", async () => {
    const lab = new Lab({});
    lab.wire.drop({}, everyNth(3));
    await lab.start(challenge, accepted);
    await lab.pass(60);
    expect(lab.view).toMatchObject({
      registration: { state: "registered" },
      subscription: { state: "active" },
    });
  });

  test("no answer at all: Timer F, then RFC 5626's wait, then a new attempt", async () => {
    const lab = new Lab({});
    const heal = lab.wire.cut({});
    await lab.start();
    await lab.pass(32);
    expect(lab.view.registration).toMatchObject({ state: "waiting", lastFailure: "timeout" });
    heal();
    await lab.pass(61);
    expect(lab.view.registration).toMatchObject({ state: "registered", lastFailure: null });
  });

  test("a broken connection is replaced by a re-registration", async () => {
    const lab = await new Lab({ transport: "tcp" }).start();
    lab.clear();
    lab.wire.breakStreams();
    await lab.pass(1);
    expect(lab.methods).toEqual(["REGISTER", "SUBSCRIBE"]);
  });

  test("RFC 5626 §4.4.1: a quiet connection is pinged", async () => {
    const lab = await new Lab({ transport: "tcp" }).start();
    lab.wire.log.length = 0;
    await lab.pass(120);
    expect(lab.wire.log.map((passage) => passage.bytes.toString())).toEqual(["\r\n\r\n", "\r\n"]);
  });
});
