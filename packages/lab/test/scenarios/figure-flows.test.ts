// The UE's TCP connection ends between subscription and trigger. RFC 5626 §4.4.1, §5.3.
import { expect, test } from "vitest";
import { ACCESS, Lab } from "./lab.ts";

const tcp = { transport: "tcp" } as const;

test("replaced before the trigger: the NOTIFY goes over the new connection", async () => {
  const { lab, alice } = await Lab.withAlice(tcp);
  const before = lab.atPcscf("alice")[0]?.flow;
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(5);
  const now = lab.atPcscf("alice")[0]?.flow;
  expect(now).not.toBe(before);
  lab.forget();
  lab.askByScscf("alice");
  lab.pass(5);
  expect(lab.onlyEnd).toBe("reauthenticated");
  expect(lab.triggers).toBe(1);
  expect(alice.state).toBe("registered");
  expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
});

test("lost when the trigger comes: the REGISTER over the next connection is challenged, and counts", async () => {
  const { lab, alice } = await Lab.withAlice(tcp);
  const heal = lab.cut("UE→P");
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(1);
  lab.forget();
  lab.askByScscf("alice");
  lab.pass(3);
  expect(lab.reauthentications[0]?.reason).toBe("NOTIFY answered 430");
  heal();
  lab.pass(50);
  expect(lab.onlyEnd).toBe("reauthenticated");
  expect(alice.state).toBe("registered");
  expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
});

test("lost for good: the deadline de-registers, and nobody keeps anything", async () => {
  const { lab } = await Lab.withAlice(tcp);
  lab.cut("UE→P");
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(1);
  lab.askByScscf("alice");
  lab.pass(61);
  expect(lab.onlyEnd).toBe("unreachable");
  expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
});

test("breaks in the moment of the trigger: the UE's REGISTER over the next one is the answer", async () => {
  const { lab, alice } = await Lab.withAlice(tcp);
  lab.forget();
  lab.askByScscf("alice");
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(20);
  expect(lab.onlyEnd).toBe("reauthenticated");
  expect(alice.state).toBe("registered");
  expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
});

test("breaks again and again while both sides ask: always re-authenticated, one binding", async () => {
  const { lab, alice } = await Lab.withAlice(tcp);
  for (let round = 0; round < 20; round++) {
    if (round % 2 === 0) lab.askByScscf("alice");
    else lab.askByPcscf("alice");
    lab.pass(round / 1000); // each time at another message
    lab.network.breakStreams({ to: ACCESS });
    lab.pass(120);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
    expect(alice.state).toBe("registered");
  }
  const ends = lab.reauthentications.map(({ end }) => end);
  expect(new Set(ends)).toEqual(new Set(["reauthenticated"]));
});

test("ends under the answer to the challenge: the UE starts over at once, well before the deadline", async () => {
  const { lab, alice } = await Lab.withAlice({ ...tcp, latencyMs: 50 });
  lab.askByScscf("alice");
  lab.pass(0.32); // the answer is between UE and P-CSCF
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(5);
  expect(lab.onlyEnd).toBe("reauthenticated");
  expect(alice.state).toBe("registered");
  expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
});
