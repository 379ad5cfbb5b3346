// A campaign over SQLite whose S-CSCF is killed in the middle: the next process goes on, asks nobody twice, loses nobody.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CampaignView } from "@ims-lab/common/admin-api/campaigns";
import type { Page, RegistrationView } from "@ims-lab/common/admin-api/views";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ChildNode, startChild } from "../../src/launcher/child-node.ts";
import { CrashNodes, type CrashPorts, HOST } from "../crash/nodes.ts";
import { freePorts } from "./free-ports.ts";
import { plainEnvironment } from "./programs.ts";
import { mainOf } from "./running-lab.ts";

const USERS = 40;
const PACE = 10;
const DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org";

let folder: string;
let ports: CrashPorts;
let nodes: CrashNodes;
let ue: ChildNode;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "campaign-crash-"));
  const found = await freePorts(7);
  const [access = 0, core = 0, serving = 0, serving2 = 0] = found;
  const [pcscfHttp = 0, scscfHttp = 0, scscf2Http = 0] = found.slice(4);
  ports = { access, core, serving, serving2, pcscfHttp, scscfHttp, scscf2Http };
  nodes = new CrashNodes({ folder, ports, redis: undefined, cluster: false });
  await nodes.start("scscf");
  await nodes.start("pcscf");
  ue = startChild({
    name: "ue",
    program: mainOf("ue"),
    env: {
      ...plainEnvironment(),
      UE_COUNT: String(USERS),
      UE_PCSCF: `sip:${HOST}:${access}`,
      UE_SIP_HOST: HOST,
      UE_USER_IMPI: `load{n}@${DOMAIN}`,
      UE_USER_IMPU: `sip:load{n}@${DOMAIN}`,
      UE_USER_PASSWORD: "pw{n}",
      UE_HTTP_PORT: "0",
    },
    onLine: () => undefined,
  });
  await ue.ready;
  await vi.waitFor(async () => expect(await subscribed()).toBe(USERS), {
    timeout: 30_000,
    interval: 200,
  });
});

afterEach(async () => {
  await ue.stop();
  await nodes.stop();
  rmSync(folder, { recursive: true });
});

const admin = async <T>(path: string, method = "GET", body?: object): Promise<T> => {
  const answer = await fetch(`http://${HOST}:${ports.scscfHttp}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  return (await answer.json()) as T;
};

async function subscribed(): Promise<number> {
  const { items } = await admin<Page<RegistrationView>>("/registrations?limit=1000");
  return items.flatMap(({ bindings }) => bindings).filter((one) => one.subscription !== null)
    .length;
}

function begin(): Promise<CampaignView> {
  return admin("/campaigns", "POST", { pacePerSecond: PACE, confirm: true });
}

async function killedAndStarted(): Promise<void> {
  await nodes.kill("scscf");
  await nodes.start("scscf");
}

async function until(
  id: string,
  holds: (campaign: CampaignView) => boolean,
  timeout = 30_000,
): Promise<CampaignView> {
  let found = await admin<CampaignView>(`/campaigns/${id}`);
  await vi.waitFor(
    async () => {
      found = await admin(`/campaigns/${id}`);
      expect(holds(found), JSON.stringify(found)).toBe(true);
    },
    { timeout, interval: 50 },
  );
  return found;
}

/** By user, in the logs of all lives: ids of the re-authentications that were asked for, or have ended. */
function idsByUser(event: "requested" | "ended"): readonly (readonly string[])[] {
  const found = new Map<string, Set<string>>();
  for (const line of readFileSync(join(folder, "scscf.log"), "utf8").split("\n")) {
    if (!line.includes(`"reauthentication.${event}"`)) continue;
    const { impi, reauthentication } = JSON.parse(line) as {
      impi: string;
      reauthentication: string;
    };
    found.set(impi, (found.get(impi) ?? new Set()).add(reauthentication));
  }
  return [...found.values()].map((ids) => [...ids]);
}

/** Nobody else asks here: whoever was asked twice has two re-authentications. */
function expectEachOnce(campaign: CampaignView): void {
  expect(campaign).toMatchObject({ status: "finished", total: USERS, left: 0, open: 0 });
  expect(campaign.ends).toMatchObject({ reauthenticated: USERS });
  expect([campaign.asked, campaign.skipped]).toEqual([USERS, 0]);
  for (const event of ["requested", "ended"] as const) {
    const ids = idsByUser(event);
    // The last lines before a kill may be missing.
    expect(ids.length).toBeGreaterThan(USERS / 2);
    expect(ids.filter((ofOne) => ofOne.length > 1)).toEqual([]);
  }
}

test("killed twice while it runs: each device is asked once, and each end is counted", async () => {
  const { id } = await begin();
  for (const share of [0.25, 0.6]) {
    await until(id, ({ asked }) => asked >= USERS * share);
    await killedAndStarted();
    expect(await admin(`/campaigns/${id}`)).toMatchObject({ status: "running", total: USERS });
  }
  expectEachOnce(await until(id, ({ status }) => status === "finished"));
}, 90_000);

test("killed while it is paused: it stays so, asks nobody, and goes on when it is resumed", async () => {
  const { id } = await begin();
  await until(id, ({ asked }) => asked >= USERS / 4);
  await admin(`/campaigns/${id}/pause`, "POST");
  const paused = await until(id, ({ open }) => open === 0);
  await killedAndStarted();
  // Longer than several gaps of the pace, and the first of the next process.
  await expect(until(id, ({ left }) => left < paused.left, 3_000)).rejects.toThrow();
  expect(await admin(`/campaigns/${id}`)).toEqual(paused);
  await admin(`/campaigns/${id}/resume`, "POST");
  expectEachOnce(await until(id, ({ status }) => status === "finished"));
}, 120_000);
