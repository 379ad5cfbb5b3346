// A trigger that did not reach the device is sent again while its subscription lives. RFC 6665 §4.2.2, RFC 5626 §5.3.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { Device, Lab, type Peer, rowsOf } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
let bob: Device;

beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
  bob = new Device(lab, pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  pcscf.take("NOTIFY");
});

function ask(): void {
  lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
  lab.run();
}
const state = (): object | undefined => lab.scscf.reauthentications.list()[0];
const triggers = (): number =>
  pcscf.take("NOTIFY").filter((notify) => rowsOf(notify).includes("bob shortened")).length;

describe.each([430, 500, 503])("answered %i", (status) => {
  test("after 2, 4, 8 and more seconds, until it is heard; N stays", () => {
    pcscf.answers = () => status;
    ask();
    expect(triggers()).toBe(1);
    for (const seconds of [2, 4, 8]) {
      lab.run(seconds * 1000 - 50);
      expect(triggers()).toBe(0);
      lab.run(60);
      expect(triggers()).toBe(1);
    }
    pcscf.answers = () => 200;
    lab.run(16_000);
    expect(triggers()).toBe(1);
    expect(state()).toMatchObject({ progress: "acknowledged" });
    lab.run(60_000);
    expect(triggers()).toBe(0);
    expect(state()).toMatchObject({ end: "ignored" });
  });

  test("never more than a handful until the deadline, and none after it", () => {
    pcscf.answers = () => status;
    ask();
    lab.run(59_000);
    expect(triggers()).toBe(5);
    lab.run(120_000);
    expect(triggers()).toBe(0);
    expect(state()).toMatchObject({ end: "unreachable" });
  });

  test("not once the device has been heard of: its REGISTER was challenged", () => {
    pcscf.answers = () => status;
    ask();
    expect(triggers()).toBe(1);
    expect(bob.register({ integrity: "ip-assoc-yes", silent: true }).status).toBe(401);
    lab.run(50_000);
    expect(triggers()).toBe(0);
  });
});

test("503 with Retry-After: not before it", () => {
  pcscf.answers = () => 503;
  pcscf.answerHeaders = [["Retry-After", "20"]];
  ask();
  expect(triggers()).toBe(1);
  lab.run(19_900);
  expect(triggers()).toBe(0);
  pcscf.answers = () => 200;
  lab.run(200);
  expect(triggers()).toBe(1);
  expect(state()).toMatchObject({ progress: "acknowledged" });
});

test.each([408, 481])("%i ends the subscription; the next one is asked at once", (status) => {
  pcscf.answers = () => status;
  ask();
  expect(triggers()).toBe(1);
  lab.run(30_000);
  expect(triggers()).toBe(0);
  pcscf.answers = () => 200;
  bob.subscribe(OWN_PACKAGE, 3600, [["Call-ID", "anew"]]);
  lab.run(20);
  expect(triggers()).toBeGreaterThan(0);
  expect(state()).toMatchObject({ progress: "acknowledged" });
});
