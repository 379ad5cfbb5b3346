// Kamailio's IMS P-CSCF in front of our S-CSCF: the records that it keeps of our UE. See docs/interop/kamailio.md.
import { existsSync, globSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { type Kamailio, startKamailio } from "./kamailio.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, type RunningUe, startLab, startUe } from "./running-lab.ts";

/** Half of it passes between the UE's renewals. */
const EXPIRES_SECONDS = 8;
const PATIENCE = { timeout: 15_000, interval: 50 };

let lab: RunningLab;
let admin: LabAdmin;
let kamailio: Kamailio;
let ue: RunningUe;

const kept = (count: number): Promise<void> =>
  vi.waitFor(async () => expect(await kamailio.records(), kamailio.output).toBe(count), PATIENCE);

/** The subscriptions that the S-CSCF has granted, by who watches. */
const grants = (who: string): number =>
  lab.events.filter(
    ({ event, memo }) => event === "subscription.granted" && String(memo).startsWith(who),
  ).length;

beforeAll(async () => {
  requirePrograms(["kamailio", "kamcmd"]);
  const modules = globSync("/usr/lib/*/kamailio/modules");
  for (const [module, source] of [
    ["ims_registrar_pcscf", "kamailio-ims-modules"],
    ["pua", "kamailio-presence-modules"],
  ] as const) {
    const isThere = modules.some((folder) => existsSync(`${folder}/${module}.so`));
    if (!isThere) throw new Error(`${module} not found: apt-get install ${source}`);
  }
  // Its IPsec module listens at two ports each, and sends from one of them.
  const [port = 0, client = 0, server = 0] = await freePorts(3, [0, 1]);
  const all = [port, client, client + 1, server, server + 1];
  lab = await startLab({
    scscf: {
      SCSCF_REGISTRATION_MIN_EXPIRES: String(EXPIRES_SECONDS),
      SCSCF_TRUSTED_PEERS: all.map((one) => `${LOOPBACK}:${one}`).join(),
    },
  });
  admin = new LabAdmin(lab);
  kamailio = await startKamailio("pcscf", {
    PCSCF_PORT: port,
    SCSCF_PORT: lab.ports.serving,
    PCSCF_URI: `sip:${LOOPBACK}:${port}`,
    SCSCF_URI: `sip:${LOOPBACK}:${lab.ports.serving}`,
    IPSEC_CLIENT_PORT: client,
    IPSEC_SERVER_PORT: server,
  });
  ue = await startUe({ pcscf: port, expires: EXPIRES_SECONDS });
});
afterAll(async () => {
  await ue?.stop();
  await kamailio?.stop();
  await lab?.stop();
});

test("our UE registers and subscribes through it; it keeps a record and watches by `reg`", async () => {
  await kept(1);
  await vi.waitFor(() => expect(grants("pcscf")).toBeGreaterThan(0), PATIENCE);
  expect(grants("device")).toBe(1);
});

test("Figure 4: it answers 489, and is asked once", async () => {
  await vi.waitFor(() => {
    expect(lab.events.filter(({ event }) => event === "pcscf.subscription-over")).toMatchObject([
      { why: "SUBSCRIBE answered 489", next: expect.any(String) },
    ]);
  }, PATIENCE);
});

test("the UE's renewals, which it asserts nobody for, are granted", async () => {
  const before = grants("device");
  await vi.waitFor(() => expect(grants("device")).toBeGreaterThan(before), PATIENCE);
  expect(lab.events.filter(({ event }) => event === "subscription.refused")).toEqual([]);
  await kept(1);
});

test("a trigger reaches our UE: it authenticates again", async () => {
  expect(await admin.reauthenticateOnceSubscribed(ue.impu, 10)).toEqual(["reauthenticated"]);
  await kept(1);
});

test("the network de-registers it: the record is gone, and comes back with the UE", async () => {
  await admin.deregister(ue.impu, "expired");
  await kept(0);
  await ue.command("register");
  await kept(1);
});

test("the UE de-registers: the record is gone", async () => {
  await ue.command("deregister");
  await kept(0);
  await vi.waitFor(async () => expect(await admin.registered()).toBe(0), PATIENCE);
});

test("neither node complained or had a fault of its own; Figure 4 was asked for once in all", () => {
  expect(lab.complaints).toEqual([]);
  expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
  expect(lab.events.filter(({ event }) => event === "pcscf.subscription-over")).toHaveLength(1);
});
