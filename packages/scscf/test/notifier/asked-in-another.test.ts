// A device that is asked by another NOTIFY than the trigger, which waits: N runs from the first word. TS 24.229 §5.4.1.6.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { expect, test } from "vitest";
import { memoryStore } from "../../src/store/memory-store.ts";
import { Device, Lab, reginfoOf } from "../lab.ts";

const N_SECONDS = 60;
/** Timer F: until then a NOTIFY that nobody answers holds back the next one. */
const TIMER_F_MS = 32_000;

test("it subscribes anew while its trigger waits behind an unanswered NOTIFY: asked at once, and N runs from there", async () => {
  const { lab, pcscf } = await Lab.startWith(
    memoryStore(),
    "--pcscf.subscribe=false",
    `--reauthentication.deadlineSeconds=${N_SECONDS}`,
  );
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  pcscf.answers = ({ method }) => (method === "NOTIFY" ? undefined : 200);
  bob.subscribe(OWN_PACKAGE, 3600);
  pcscf.take("NOTIFY");
  const { reauthentications, bindings } = lab.scscf;
  reauthentications.ask([...bindings.all()], "operator");
  lab.run(1_000);
  expect(reauthentications.list()).toMatchObject([{ progress: "requested" }]);

  pcscf.answers = () => 200;
  bob.subscribe(OWN_PACKAGE, 3600, [["Call-ID", "another"]]);
  const told = pcscf.take("NOTIFY").find(({ callId }) => callId === "another");
  const [row] = reginfoOf(told).registrations.flatMap(({ contacts }) => contacts);
  expect(row).toMatchObject({ event: "shortened", expires: N_SECONDS });
  const [due] = reauthentications.list();
  expect(due?.progress).not.toBe("requested");
  const from = due?.course.notifiedAt ?? 0;
  expect(lab.clock.now() - from).toBeLessThan(100);
  expect(due?.deadline).toBe(from + N_SECONDS * 1000);

  // The trigger leaves when its turn comes, and moves nothing.
  lab.run(TIMER_F_MS);
  expect(reauthentications.list()[0]?.deadline).toBe(due?.deadline);
  lab.run((due?.deadline ?? 0) - lab.clock.now() + 100);
  expect(bindings.size).toBe(0);
});
