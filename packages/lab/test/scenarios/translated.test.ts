// A UE behind an address translator: Via and Contact name an address that nobody reaches; everything comes over its flow.
// RFC 3581, RFC 5626 §3.5.
import { describe, expect, test } from "vitest";
import { impuOf, Lab } from "./lab.ts";
import { callUp, lastCall, registered } from "./two-ues.ts";

describe.each(["udp", "tcp"] as const)("%s", (transport) => {
  test("NOTIFY, call and message arrive; the S-CSCF knows the inside address alone", async () => {
    const lab = await Lab.start({ transport });
    const { ue: alice } = await lab.ueBehindTranslator("alice");
    alice.register();
    lab.pass(5);
    expect(lab.atScscf("alice")[0]?.contact).toContain("192.168.1.2");
    expect(lab.atPcscf("alice")[0]?.flow).not.toContain("192.168.1.2");
    lab.askByScscf("alice");
    lab.pass(5);
    expect(lab.onlyEnd).toBe("reauthenticated");

    const bob = await registered(lab, "bob");
    bob.equipment.calls.dial(impuOf("alice"));
    lab.pass(2);
    expect([lastCall(bob).state, lastCall(alice).state]).toEqual(["up", "up"]);
    callUp(bob).apply({ kind: "hold", on: true });
    lab.pass(2);
    callUp(alice).apply({ kind: "hang-up" });
    lab.pass(2);
    expect(lastCall(bob).why).toBe("hung up there");
    void bob.equipment.messages.send(impuOf("alice"), "hello");
    lab.pass(2);
    expect(lab.passed("200 MESSAGE", "P-CSCF", "UE")).toHaveLength(1);
  });

  test("ten quiet minutes later it is still reached", async () => {
    const lab = await Lab.start({ transport });
    const { ue: alice } = await lab.ueBehindTranslator("alice");
    alice.register();
    lab.pass(600);
    lab.forget();
    lab.askByScscf("alice");
    lab.pass(5);
    expect(lab.onlyEnd).toBe("reauthenticated");
    expect(lab.triggers).toBe(1);
  });
});

describe("the translator restarts", () => {
  test("a refresh over the new mapping is challenged, and from then on it is reached there", async () => {
    const lab = await Lab.start();
    const { ue: alice, translator } = await lab.ueBehindTranslator("alice");
    alice.register();
    lab.pass(5);
    const before = lab.atPcscf("alice")[0]?.flow;
    translator.restart();
    lab.forget();
    alice.register();
    lab.pass(5);
    expect(lab.passed("401 REGISTER", "P-CSCF", "UE")).toHaveLength(1);
    const [now, ...others] = lab.atPcscf("alice");
    expect([now?.flow === before, others]).toEqual([false, []]);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
    lab.askByScscf("alice");
    lab.pass(5);
    expect(lab.reauthentications[0]?.end).toBe("reauthenticated");
  });

  test("asked meanwhile, over a mapping that is no more: the deadline ends it", async () => {
    const lab = await Lab.start();
    const { ue: alice, translator } = await lab.ueBehindTranslator("alice");
    alice.register();
    lab.pass(5);
    translator.restart();
    lab.askByScscf("alice");
    lab.pass(65);
    expect(lab.onlyEnd).toBe("unreachable");
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
  });
});
