// The five figures of S3z010092 in every variant: profile, Expires policy, transport of the access.
import { describe, expect, test } from "vitest";
import { figurePlan } from "../../src/launcher/figures.ts";
import { Lab, type LabOptions, missing } from "./lab.ts";

const variants = (["seed", "ts24229"] as const).flatMap((profile) =>
  (["registration", "unlimited"] as const).flatMap((expires) =>
    (["udp", "tcp"] as const).map((transport) => ({ profile, expires, transport })),
  ),
);

/** TS 24.229 §5.1.1.5.2: half of N = 600 s is when the UE registers; with the own package, at once. */
const untilRegistered = ({ profile }: LabOptions): number => (profile === "ts24229" ? 310 : 5);

describe.each(variants)("$profile, Expires as $expires, $transport", (variant) => {
  const plan = figurePlan(variant);

  test("Figures 1, 2 and 4: registration and the subscriptions that follow it", async () => {
    const lab = await Lab.start(variant);
    const watches = plan.registration.map((figure) => lab.watch(figure));
    const alice = await lab.ue("alice");
    alice.register();
    lab.pass(5);
    expect(missing(watches)).toEqual([]);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
  });

  test("Figure 3: the S-CSCF asks, once, and is obeyed, once", async () => {
    const { lab, alice } = await Lab.withAlice(variant);
    const watch = lab.watch(plan.byServing);
    lab.forget();
    lab.askByScscf("alice");
    lab.pass(untilRegistered(variant));
    expect(missing([watch])).toEqual([]);
    expect(lab.onlyEnd).toBe("reauthenticated");
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  });

  test("Figure 5: the P-CSCF asks, once, and is obeyed, once", async () => {
    const { lab, alice } = await Lab.withAlice(variant);
    if (plan.byProxy === undefined) {
      expect(lab.askByPcscf("alice")).toBe("not-subscribed");
      return;
    }
    const watch = lab.watch(plan.byProxy);
    lab.forget();
    expect(lab.askByPcscf("alice")).toBe("asked");
    lab.pass(untilRegistered(variant));
    expect(missing([watch])).toEqual([]);
    expect(lab.onlyEnd).toBe("reauthenticated");
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  });
});

test("An unlimited subscription is not renewed: no dashed messages", async () => {
  const { lab } = await Lab.withAlice({ expires: "unlimited" });
  lab.forget();
  lab.askByScscf("alice");
  lab.pass(5);
  expect(lab.attempts("SUBSCRIBE")).toBe(0);
});
