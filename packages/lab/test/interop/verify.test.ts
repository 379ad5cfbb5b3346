// `imslab verify` on running nodes: our own UE, SIPp with its scenario, linphone, SIP.js and JsSIP get what they deserve. See docs/verify.md.
import { setInterval } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "@ims-lab/common/platform/clock";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { imslab } from "../../src/cli/imslab.ts";
import type { Report } from "../../src/verify/runner.ts";
import { startBackground } from "./background.ts";
import { startBrowserPhone } from "./browser-phone.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { startJsSipPhone } from "./jssip-phone.ts";
import { startLinphone } from "./linphone.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, startLab, startUe } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

const SCENARIO = fileURLToPath(
  new URL("../../../../docs/examples/sipp-reauthentication.xml", import.meta.url),
);
/** Between REGISTERs of a softphone, about. */
const INTERVAL_SECONDS = 8;
const PATIENCE = { timeout: 10_000, interval: 50 };

const { aka, softphone } = shippedAccounts();
const BOB = `sip:bob@${aka.domain}`;

let lab: RunningLab;
let admin: LabAdmin;
let webSocket = 0;
const ending: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  requirePrograms(["sipp", "linphone-daemon"]);
  [webSocket = 0] = await freePorts(1);
  lab = await startLab({
    scscf: { SCSCF_REGISTRATION_MIN_EXPIRES: String(INTERVAL_SECONDS) },
    pcscf: { PCSCF_ACCESS_WS_PORT: String(webSocket) },
  });
  admin = new LabAdmin(lab);
});
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});
afterAll(() => lab?.stop());

interface Verdict {
  readonly code: number;
  readonly findings: readonly string[];
  /** `name verdict` */
  readonly verdicts: readonly string[];
}

async function verify(impu: string, ...options: readonly string[]): Promise<Verdict> {
  let [out, err] = ["", ""];
  const url = `http://${LOOPBACK}:${lab.ports.scscfHttp}`;
  const code = await imslab(["verify", impu, "--json", "--url", url, ...options], {
    env: {},
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    fetch,
    clock: systemClock(),
  });
  if (out === "") throw new Error(`exit ${code}: ${err}`);
  const { results, findings } = JSON.parse(out) as Report & { findings: string[] };
  return { code, findings, verdicts: results.map(({ name, verdict }) => `${name} ${verdict}`) };
}

const subscribed = (impu: string): Promise<void> =>
  vi.waitFor(async () => {
    const [binding] = (await admin.registration(impu))?.bindings ?? [];
    expect(binding?.subscription).toBeTruthy();
  }, PATIENCE);

const registered = (impu: string): Promise<void> =>
  vi.waitFor(async () => expect(await admin.registration(impu)).toBeDefined(), PATIENCE);

test("our UE passes everything", { timeout: 150_000 }, async () => {
  const ue = await startUe({ pcscf: lab.ports.access });
  ending.push(() => ue.stop());
  const { code, findings, verdicts } = await verify(ue.impu);
  expect([code, findings]).toEqual([0, []]);
  expect(verdicts.filter((one) => !one.endsWith(" pass"))).toEqual([
    "next-register not-applicable",
    "asked-sooner not-applicable",
    "challenge-in-call not-applicable",
    "rejected-in-call not-applicable",
  ]);
});

test("SIPp with the scenario of the README re-authenticates once, then its call is over", {
  timeout: 60_000,
}, async () => {
  const [port = 0] = await freePorts(1);
  const sipp = startBackground("sipp", [
    `${LOOPBACK}:${lab.ports.access}`,
    ...["-sf", SCENARIO, "-m", "1", "-auth_uri", aka.domain],
    ...["-i", LOOPBACK, "-p", String(port), "-nostdin"],
  ]);
  ending.push(() => sipp.stop("SIGKILL"));
  await subscribed(BOB);
  const only = "subscription,reauthentication,asked-again";
  const { code, findings, verdicts } = await verify(BOB, "--only", only, "--timeout", "5");
  expect([findings, verdicts]).toEqual([
    [],
    ["subscription pass", "reauthentication pass", "asked-again inconclusive"],
  ]);
  expect(code).toBe(1);
});

/** Both know no event package, and answer the challenge of their next REGISTER. */
const SOFTPHONE: Verdict = {
  code: 20,
  findings: ["no-subscribe"],
  verdicts: ["subscription fail", "next-register pass", "reauthentication not-applicable"],
};
const OF_SOFTPHONE = ["--only", "subscription,next-register,reauthentication"];

test("linphone does not subscribe, and answers the challenge of its next REGISTER", {
  timeout: 90_000,
}, async () => {
  const { access: proxy } = lab.ports;
  const phone = await startLinphone({ proxy, transport: "udp", interval: INTERVAL_SECONDS });
  ending.push(() => phone.stop());
  await registered(softphone.impu);
  expect(await verify(softphone.impu, ...OF_SOFTPHONE)).toEqual(SOFTPHONE);
});

test.each([
  ["SIP.js", startBrowserPhone],
  ["JsSIP", startJsSipPhone],
])(
  "%s does not subscribe, and answers the challenge of its next REGISTER",
  {
    timeout: 90_000,
  },
  async (_name, start) => {
    await admin.untilGone(softphone.impu, 5000);
    const phone = await start(softphone, webSocket);
    ending.push(() => phone.stop());
    await phone.register();
    const over = new AbortController();
    const again = refreshing(phone, over.signal);
    ending.push(async () => {
      over.abort();
      await again;
    });
    expect(await verify(softphone.impu, ...OF_SOFTPHONE)).toEqual(SOFTPHONE);
  },
);

interface WebPhone {
  register(): Promise<void>;
}

/** A page that registers again and again, as its user would. */
async function refreshing(phone: WebPhone, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of setInterval(INTERVAL_SECONDS * 1000, undefined, { signal }))
      await phone.register();
  } catch (problem) {
    if (!signal.aborted) throw problem;
  }
}

test("no fault stays on, and neither node complained or had a fault of its own", async () => {
  const answer = await fetch(`http://${LOOPBACK}:${lab.ports.scscfHttp}/faults`);
  const { items } = (await answer.json()) as { items: readonly { active: readonly object[] }[] };
  expect(items.flatMap(({ active }) => active)).toEqual([]);
  expect(lab.complaints).toEqual([]);
  expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
});
