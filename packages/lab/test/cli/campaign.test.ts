// `imslab campaign`, the filters of `imslab list`, and the report of `imslab reauth`.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CampaignPlan, CampaignView } from "@ims-lab/common/admin-api/campaigns";
import type { ReauthenticationView } from "@ims-lab/common/admin-api/views";
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import { describe, expect, test } from "vitest";
import { progressLine } from "../../src/cli/campaign-progress.ts";
import { ok, run } from "./run-imslab.ts";

const NO_ENDS: CampaignView["ends"] = {
  reauthenticated: 0,
  refused: 0,
  unanswered: 0,
  ignored: 0,
  unreachable: 0,
  unsubscribed: 0,
  withdrawn: 0,
};
const begun: CampaignView = {
  id: "k1",
  name: "pilot",
  status: "running",
  filter: {
    impu: "sip:load*",
    impi: null,
    pcscf: null,
    minAuthenticationAgeSeconds: 60,
    userAgent: null,
  },
  percent: 50,
  pacePerSecond: 10,
  jitter: 0,
  seed: "s1",
  startedAt: FAKE_EPOCH,
  endedAt: null,
  matched: 200,
  total: 100,
  asked: 0,
  joined: 0,
  skipped: 0,
  left: 100,
  open: 0,
  ends: NO_ENDS,
  latencySeconds: null,
};
const halfway: CampaignView = {
  ...begun,
  asked: 50,
  left: 48,
  skipped: 2,
  open: 10,
  ends: { ...NO_ENDS, reauthenticated: 38, ignored: 2 },
};
const over: CampaignView = {
  ...begun,
  status: "finished",
  endedAt: FAKE_EPOCH + 9_000,
  asked: 100,
  left: 0,
  ends: { ...NO_ENDS, reauthenticated: 97, ignored: 2, refused: 1 },
  latencySeconds: { p50: 0.1, p90: 0.25, p99: 1.5, max: 2 },
};
const allWell: CampaignView = { ...over, ends: { ...NO_ENDS, reauthenticated: 100 } };

describe("start", () => {
  test("sends what was given, and leaves the rest to the node", async () => {
    const { code, out, bodies } = await run(["campaign", "start"], {
      "POST /campaigns": [{ status: 201, body: begun }],
    });
    expect([code, bodies]).toEqual([0, [{ filter: {} }]]);
    expect(out).toContain("campaign     k1 (pilot)\nstatus       running\n");
    expect(out).toContain("filter       impu sip:load*, minAuthenticationAgeSeconds 60\n");
    const given = await run(
      [
        ...["campaign", "start", "--impu", "sip:a*", "--impi", "b", "--pcscf", "c:1"],
        ...["--min-age", "60", "--user-agent", "d", "--percent", "12.5", "--pace", "3"],
        ...["--jitter", "0.5", "--seed", "e", "--name", "f", "--yes"],
      ],
      { "POST /campaigns": [{ status: 201, body: begun }] },
    );
    expect(given.bodies).toEqual([
      {
        filter: {
          impu: "sip:a*",
          impi: "b",
          pcscf: "c:1",
          minAuthenticationAgeSeconds: 60,
          userAgent: "d",
        },
        name: "f",
        seed: "e",
        percent: 12.5,
        pacePerSecond: 3,
        jitter: 0.5,
        confirm: true,
      },
    ]);
  });

  test("followed: a progress bar, and the exit code of the ends", async () => {
    const { code, err, out } = await run(["campaign", "start", "--follow"], {
      "POST /campaigns": [{ status: 201, body: begun }],
      "GET /campaigns/k1": [ok(halfway), ok({ ...halfway, status: "paused" }), ok(over)],
    });
    expect(code).toBe(10); // refused comes before ignored
    const bars = err.trimEnd().split("\n");
    expect(bars).toEqual([
      "[........................] 0 %, 0 of 100 asked, 0 authenticated, 0 failed, 10 s of asking left",
      "[##########..............] 42 %, 50 of 100 asked, 38 authenticated, 2 failed, 5 s of asking left",
      "[##########..............] 42 %, 50 of 100 asked, 38 authenticated, 2 failed, paused",
    ]);
    expect(out).toContain("ends         reauthenticated 97, refused 1, ignored 2\n");
    expect(out).toContain("latency      p50 0.10 s, p90 0.25 s, p99 1.50 s, longest 2.00 s\n");
    const well = await run(["campaign", "start", "--follow"], {
      "POST /campaigns": [{ status: 201, body: allWell }],
    });
    expect(well.code).toBe(0);
  });

  test("a stopped one is followed until those it has asked have an end", async () => {
    const stopped = { ...halfway, status: "stopped", left: 0 } as const;
    const { code, requests } = await run(["campaign", "show", "k1", "--follow"], {
      "GET /campaigns/k1": [ok(stopped), ok(stopped), ok({ ...stopped, open: 0 })],
    });
    expect([code, requests.length]).toEqual([11, 3]);
  });

  test("what must be confirmed, or matches nobody: exit 1 with the node's reason", async () => {
    const detail = "no filter: 3 of 3 registered devices would be asked: confirm it.";
    const body = {
      type: "about:blank",
      status: 409,
      title: "Confirmation needed",
      detail,
      count: 3,
    };
    const { code, err } = await run(["campaign", "start"], {
      "POST /campaigns": [{ status: 409, body }],
    });
    expect(code).toBe(1);
    expect(err).toBe(`imslab: S-CSCF: Confirmation needed: ${detail} (--yes)\n`);
  });
});

test("a dry run is a table of who would be asked, and what would have to be confirmed", async () => {
  const plan: CampaignPlan = {
    items: [
      {
        impi: "a@x",
        impu: "sip:a@x",
        contact: "sip:a@192.0.2.1",
        pcscf: "10.1.0.1:4060",
        userAgent: "evil\u001b[2J",
        authenticatedAt: FAKE_EPOCH - 90_000,
      },
    ],
    total: 3,
    registered: 9,
    matched: 6,
    seed: "s1",
    durationSeconds: 0.3,
    concerns: ["12 a second is above campaigns.maxPacePerSecond (10), devices: 3"],
  };
  const answers = {
    "POST /campaigns?limit=50": [ok(plan)],
    "POST /campaigns?limit=1000": [ok(plan)],
  };
  const { code, out, bodies } = await run(["campaign", "start", "--dry-run"], answers);
  expect([code, bodies]).toEqual([0, [{ filter: {}, dryRun: true }]]);
  expect(
    out.split("\n").map((line) => line.replace(/ {2,}/g, "|").replace("91 s", "90 s")),
  ).toEqual([
    "impu|impi|contact|p-cscf|user-agent|authenticated",
    "sip:a@x|a@x|sip:a@192.0.2.1|10.1.0.1:4060|evil\\x1b[2J|90 s ago",
    "… and 2 more (--json)",
    "3 would be asked, of 6 that match and 9 registered, within 1 s (seed s1)",
    "to be confirmed (--yes): 12 a second is above campaigns.maxPacePerSecond (10), devices: 3",
    "",
  ]);
  const json = await run(["campaign", "start", "--dry-run", "--json"], answers);
  expect(JSON.parse(json.out)).toEqual(plan);
});

test("list, pause, resume, stop, show", async () => {
  const list = await run(["campaign", "list"], {
    "GET /campaigns?limit=1000&offset=0": [ok({ items: [over], total: 1 })],
  });
  expect(list.out.replace("1 s ago", "0 s ago").split("\n")[1]?.split(/ {2,}/)).toEqual([
    ...["k1", "pilot", "finished", "0 s ago", "100 of 100", "97", "3", "0", "0.10 / 1.50"],
  ]);
  for (const [argv, request] of [
    [["campaign", "pause", "k1"], "POST /campaigns/k1/pause"],
    [["campaign", "resume", "k1"], "POST /campaigns/k1/resume"],
    [["campaign", "stop", "k1"], "DELETE /campaigns/k1"],
    [["campaign", "show", "k1", "--json"], "GET /campaigns/k1"],
  ] as const) {
    const { code, out } = await run(argv, { [request]: [ok(halfway)] });
    expect([argv, code]).toEqual([argv, 0]);
    if (argv.length > 3) expect(JSON.parse(out)).toEqual(halfway);
    else expect(out).toContain("asked        50 (0 joined), 48 left\n");
  }
  const body = { status: 404, title: "No such campaign", detail: "k2 is unknown." };
  const lost = await run(["campaign", "show", "k2"], {
    "GET /campaigns/k2": [{ status: 404, body }],
  });
  expect([lost.code, lost.err]).toEqual([1, "imslab: S-CSCF: No such campaign: k2 is unknown.\n"]);
});

test("a bar of a campaign whose devices have all gone", () => {
  const gone = { ...begun, total: 4, skipped: 4, left: 0 };
  expect(progressLine(gone)).toBe(
    "[########################] 100 %, 0 of 4 asked, 0 authenticated, 0 failed, waiting for 0",
  );
});

test("list reauthentications takes the S-CSCF's filters, and times as people write them", async () => {
  const page = ok({ items: [], total: 0 });
  const argv = [
    ...["list", "reauthentications", "--impi", "a@x", "--cause", "campaign", "--end", "ignored"],
    ...["--campaign", "k1"],
  ];
  for (const [since, at] of [
    ["15m", FAKE_EPOCH - 900_000],
    ["90s", FAKE_EPOCH - 90_000],
    ["2023-11-14T22:13:20Z", FAKE_EPOCH],
    ["1234567890123", 1_234_567_890_123],
  ] as const) {
    const query = `impi=a%40x&cause=campaign&end=ignored&campaign=k1&since=${at}`;
    const request = `GET /reauthentications?${query}&limit=1000&offset=0`;
    const { code, err } = await run([...argv, "--since", since], { [request]: [page] });
    expect([since, code, err]).toEqual([since, 0, ""]);
  }
});

describe("reauth --junit", () => {
  const ALICE = "sip:alice@ims.example";
  const post = "POST /registrations/sip%3Aalice%40ims.example/reauthenticate?wait=2";
  const one: ReauthenticationView = {
    ...{ id: "r1", impi: "alice@ims.example", impu: ALICE, bindingId: "b1" },
    contact: "sip:alice@192.0.2.1",
    ...{ cause: "operator", askers: ["operator"], progress: "acknowledged" },
    ...{ end: "reauthenticated", requestedAt: FAKE_EPOCH, notifiedAt: FAKE_EPOCH + 1 },
    ...{ acknowledgedAt: FAKE_EPOCH + 2, challengedAt: null, endedAt: FAKE_EPOCH + 900 },
    ...{ deadlineAt: FAKE_EPOCH + 60_000, deregisteredAt: null, reason: null },
  } as const;
  const file = (): string => join(mkdtempSync(join(tmpdir(), "ims-lab-")), "report.xml");
  interface Case {
    readonly name: string;
    readonly time: string;
    readonly failure?: { readonly type: string; readonly message: string; readonly text: string };
  }
  const plain = (text = ""): string =>
    text
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&");
  /** Of a report as `junit.ts` writes it; that others can read it is that file's test. */
  const casesIn = (path: string): Case[] =>
    [
      ...readFileSync(path, "utf8").matchAll(
        /<testcase classname="imslab.reauth" name="([^"]*)" time="([^"]*)"(?:\/>|>\s*<failure message="([^"]*)" type="([^"]*)">([^<]*)<)/g,
      ),
    ].map(([, name, time = "", message, type = "", text]) => ({
      ...{ name: plain(name), time },
      ...(message !== undefined && {
        failure: { type, message: plain(message), text: plain(text) },
      }),
    }));

  test("a case for each device, with the end and the course of one that failed", async () => {
    const path = file();
    const reason = 'NOTIFY answered, no REGISTER by <the "deadline">\u001b';
    const ignored = { ...one, contact: "sip:a&b@x", end: "ignored", reason } as const;
    const { code } = await run(["reauth", ALICE, "--junit", path], {
      [post]: [ok({ items: [one, ignored] })],
    });
    expect(code).toBe(11);
    expect(readFileSync(path, "utf8")).toContain(
      `<testsuite name="re-authentication of ${ALICE}" timestamp="2023-11-14T22:13:20" tests="2" failures="1" errors="0" skipped="0"`,
    );
    const [first, second, ...others] = casesIn(path);
    expect(others).toEqual([]);
    expect(first).toEqual({ name: `${ALICE} (sip:alice@192.0.2.1)`, time: "0.900" });
    expect(second).toMatchObject({
      name: `${ALICE} (sip:a&b@x)`,
      failure: {
        type: "ignored",
        message: 'ignored: NOTIFY answered, no REGISTER by <the "deadline">\\x1b',
      },
    });
    expect(second?.failure?.text.split("\n").slice(0, 4)).toEqual([
      "asked by operator",
      "notified after 1 ms",
      "acknowledged after 2 ms",
      "ended after 900 ms",
    ]);
  });

  test("one that is not over in time has failed", async () => {
    const path = file();
    const { code } = await run(["reauth", ALICE, "--junit", path, "--wait", "3"], {
      [post]: [{ status: 202, body: { items: [{ ...one, end: null, endedAt: null }] } }],
      "GET /reauthentications/r1": [ok({ ...one, end: null, endedAt: null })],
    });
    expect(code).toBe(1);
    expect(casesIn(path)[0]?.failure?.message).toBe(
      "not ended yet: acknowledged, not ended in time",
    );
  });

  test("a user who is not registered has failed, too", async () => {
    const path = file();
    const body = { status: 404, title: "Not registered", detail: `${ALICE} is not registered.` };
    const { code } = await run(["reauth", ALICE, "--junit", path], {
      [post]: [{ status: 404, body }],
    });
    expect(code).toBe(3);
    expect(casesIn(path)[0]?.failure?.type).toBe("not-registered");
  });

  test("a file that cannot be written is said before anybody is asked", async () => {
    const { code, err, requests } = await run(["reauth", ALICE, "--junit", "/nowhere/report.xml"]);
    expect([code, requests]).toEqual([1, []]);
    expect(err).toContain("imslab: --junit /nowhere/report.xml cannot be written: ENOENT");
  });
});
