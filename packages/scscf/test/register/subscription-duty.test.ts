// The duty to subscribe by User-Agent: who chooses it, and what follows.
import { expect, test } from "vitest";
import { registrationView } from "../../src/admin/views.ts";
import { parseUserAgentDuty, SubscriptionDuties } from "../../src/register/subscription-duty.ts";
import { BOB, Device, Lab } from "../lab.ts";

const duties = new SubscriptionDuties({
  duty: "enforce",
  dutyByUserAgent: ["baresip v1*=warn", "*Phone=2*=optional"],
});

test.each([
  ["baresip v1.0.0 (x86_64/linux)", undefined, "warn", "User-Agent baresip v1*"],
  ["BareSIP V1", undefined, "warn", "User-Agent baresip v1*"],
  ["baresip v2", undefined, "enforce", "subscription.duty"],
  ["my phone=2 beta", undefined, "optional", "User-Agent *Phone=2*"],
  [undefined, undefined, "enforce", "subscription.duty"],
  ["", undefined, "enforce", "subscription.duty"],
  ["baresip v1", "optional", "optional", "its subscriber"],
] as const)(
  "User-Agent %j, of a subscriber with %s: %s by %s",
  (userAgent, subscription, duty, by) => {
    const subscriber = subscription === undefined ? {} : { subscription };
    expect(duties.of(subscriber, userAgent)).toEqual({ duty, by });
  },
);

test.each(["", "=warn", "baresip*", "baresip*=", "baresip*=Warn", "a?=warn", "\u001b*=warn"])(
  "%j is no such rule",
  (written) => {
    expect(parseUserAgentDuty(written)).toBeUndefined();
  },
);

test("a device that matches stays registered without a SUBSCRIBE; the registration says why", async () => {
  const { lab, pcscf } = await Lab.start(
    "--pcscf.subscribe=false",
    "--subscription.dutyByUserAgent=softphone*=warn",
  );
  const view = () => {
    const set = lab.scscf.setOf(BOB);
    if (set === undefined) throw new Error("no set");
    return registrationView(lab.scscf, set, BOB).bindings;
  };
  const [bob, carol] = [new Device(lab, pcscf, "bob"), new Device(lab, pcscf, "carol")];
  bob.register({ headers: [["User-Agent", "SoftPhone/3"]] });
  carol.register({ headers: [["User-Agent", "hardphone"]] });
  const dutyBy = "User-Agent softphone*";
  expect(view()).toMatchObject([{ userAgent: "SoftPhone/3", duty: "warn", dutyBy }]);
  lab.run(33_000);
  expect([...lab.scscf.bindings.all()].map(({ impi }) => impi)).toEqual(["bob@ims.example"]);
  expect(lab.log.named("subscription.overdue")).toHaveLength(1);
  bob.register({ headers: [["User-Agent", "another"]] }); // another device at the same place
  expect(view()).toMatchObject([{ duty: "enforce", dutyBy: "subscription.duty" }]);
});
