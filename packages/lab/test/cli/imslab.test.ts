// `imslab` against a node that answers as a test says: output, requests, exit codes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type {
  BindingView,
  CallView,
  ReauthenticationEnd,
  ReauthenticationView,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import { systemClock } from "@ims-lab/common/platform/clock";
import { NODE_HEADER } from "@ims-lab/common/platform/http";
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import { describe, expect, it } from "vitest";
import type { CommandContext } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { imslab } from "../../src/cli/imslab.ts";
import { type Answer, ok, run } from "./run-imslab.ts";

const ALICE = "sip:alice@ims.example";
const ALICE_PATH = "/registrations/sip%3Aalice%40ims.example";

const binding: BindingView = {
  id: "b1",
  contact: "sip:alice@192.0.2.1:5070",
  callId: "1@ue",
  cseq: 2,
  path: ["<sip:token@127.0.0.1:4060;lr>"],
  userAgent: "phone/1\u001b[2J",
  duty: "optional",
  dutyBy: "User-Agent phone/*",
  expiresAt: FAKE_EPOCH + 3_600_000,
  registeredAt: FAKE_EPOCH - 5_000,
  authenticatedAt: FAKE_EPOCH - 5_000,
  subscription: { package: "reg", callId: "2@ue", expiresAt: FAKE_EPOCH + 60_000, version: 3 },
  subscriptionDeadlineAt: null,
  reauthentication: null,
};
const registration: RegistrationView = {
  impu: ALICE,
  impi: "alice@ims.example",
  implicitSet: [ALICE, "tel:+15550001"],
  state: "registered",
  bindings: [binding],
};
const running: ReauthenticationView = {
  id: "r1",
  impi: "alice@ims.example",
  impu: ALICE,
  bindingId: "b1",
  contact: binding.contact,
  cause: "operator",
  askers: ["operator"],
  progress: "notified",
  end: null,
  requestedAt: FAKE_EPOCH,
  notifiedAt: FAKE_EPOCH + 1,
  acknowledgedAt: null,
  challengedAt: null,
  endedAt: null,
  deadlineAt: FAKE_EPOCH + 60_000,
  deregisteredAt: null,
  reason: null,
};
function ended(end: ReauthenticationEnd): ReauthenticationView {
  return { ...running, end, endedAt: FAKE_EPOCH + 900, reason: `because ${end}` };
}

const notRegistered: Answer = {
  status: 404,
  body: { type: "about:blank", status: 404, title: "Not registered", detail: `${ALICE} is not` },
};

const NAMES = COMMANDS.map(({ name }) => name);

describe("usage", () => {
  it.each([
    [[], `say what to do: ${NAMES.slice(0, -1).join(", ")} and ${NAMES.at(-1)}`],
    [["lost"], 'no command "lost"'],
    [["show"], "say whom: imslab show sip:alice@DOMAIN"],
    [["show", "alice"], '"alice" is no IMPU: it begins with sip: or tel:'],
    [["show", ALICE, "more"], '"more" is one word too many'],
    [["show", ALICE, "--wait", "3"], "show does not take --wait"],
    [["reauth", ALICE, "--wait", "soon"], '--wait: "soon" is no number of seconds'],
    [["reauth", ALICE, "--from", "ue"], '--from: "ue" is none of scscf, pcscf'],
    [["reauth", ALICE, "--from", "pcscf", "--contact", "sip:x"], "leave --contact out"],
    [["reauth", ALICE, "--from", "pcscf", "--within", "9"], "leave --within out"],
    [["reauth", ALICE, "--within", "0"], '--within: "0" is no whole number from 1 to 86400'],
    [["reauth", ALICE, "--within", "1.5"], "is no whole number from 1 to 86400"],
    [["reauth", ALICE, "--within", "86401"], "is no whole number from 1 to 86400"],
    [["reauth", ALICE, "--within", "soon"], '--within: "soon" is no number of seconds'],
    [
      ["dereg", ALICE, "--cause", "boredom"],
      "is none of expired, deactivated, rejected, probation",
    ],
    [["dereg", ALICE, "--retry-after", "3"], "--retry-after goes with --cause probation only"],
    [["dereg", ALICE, "--pace", "3"], "--pace goes with --all only"],
    [["dereg", ALICE, "--yes"], "--yes goes with --all only"],
    [["list", "--url", "localhost"], '--url: "localhost" is no URL such as'],
    [["list", "--nope"], "imslab: Unknown option '--nope'\n"],
    [["\u001b[2J"], 'no command "\\x1b[2J"'],
    [["list", "--url", "http://127.0.0.1:9062/?x=1"], "is no URL such as"],
    [["list", "--url", "http://me:pw@127.0.0.1"], "--url: a URL without user and password"],
    [["list", "--token", "a\nb"], "--token: no token: one word of visible"],
    [["list", "--token", ""], "--token: no token"],
    [["help", "lost"], 'no command "lost"'],
    [["list", "--token-file", "/nowhere/token"], "--token-file: ENOENT"],
    [["call"], "say who: imslab call sip:alice@DOMAIN sip:bob@DOMAIN"],
    [["call", ALICE], "say whom: imslab call"],
    [["call", ALICE, "bob"], '"bob" is no IMPU'],
    [["call", ALICE, ALICE, "now"], '"now" is one word too many'],
    [["message", ALICE, ALICE], "say what: imslab message FROM TO TEXT"],
    [["message", ALICE, ALICE, "x", "--seconds", "3"], "message does not take --seconds"],
    [["why"], "say whom: imslab why"],
    [["wait", ALICE, "--registered", "--authenticated"], "not both"],
    [["wait", ALICE, "--timeout", "soon"], '--timeout: "soon" is no number of seconds'],
    [["register", ALICE, "--timeout", "3"], "register does not take --timeout"],
    [["campaign"], "say what to do: imslab campaign start|list|show|pause|resume|stop"],
    [["campaign", "begin"], '"begin" is none of start, list, show, pause, resume, stop'],
    [["campaign", "pause"], "say which: imslab campaign pause ID"],
    [["campaign", "start", "k1"], '"k1" is one word too many'],
    [["campaign", "list", "k1"], '"k1" is one word too many'],
    [["campaign", "stop", "k1", "--pace", "3"], "campaign stop does not take --pace"],
    [["campaign", "list", "--follow"], "campaign list does not take --follow"],
    [["campaign", "start", "--pace", "fast"], '--pace: "fast" is no number'],
    [["campaign", "start", "--percent=-1"], '--percent: "-1" is no number'],
    [["campaign", "start", "--min-age", "old"], '--min-age: "old" is no number of seconds'],
    [["list", "reauthentications", "--end", "dead"], '--end: "dead" is none of reauthenticated'],
    [["list", "reauthentications", "--progress", "ended"], "is none of requested, notified"],
    [["list", "reauthentications", "--since", "soon"], '--since: "soon" is no time such as 15m'],
    [["list", "--end", "ignored"], "--end goes with list reauthentications only"],
    [["reauth", ALICE, "--junit", "x", "--wait", "0"], "--junit reports the end"],
    [["reauth", ALICE, "--junit", ""], "--junit: say which file"],
    [["list", "everything"], "none of registrations, reauthentications"],
  ])("%j exits with 2 and says what to write", async (argv, message) => {
    const { code, out, err } = await run(argv);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).toContain("imslab --help");
  });

  it("prints help, of all or of one command", async () => {
    for (const argv of [["--help"], ["help"], ["reauth", "-h"], ["help", "reauth"]]) {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      expect(out).toContain("imslab reauth IMPU");
      expect(out.includes("imslab dereg IMPU")).toBe(!argv.includes("reauth"));
    }
  });

  it("a variable that is empty counts as unset; one that is wrong is named", async () => {
    const nodes = { [`GET ${ALICE_PATH}`]: [ok(registration)] };
    const env = { IMSLAB_URL: "", IMSLAB_TOKEN: "", IMSLAB_TOKEN_FILE: "" };
    const { code, tokens } = await run(["show", ALICE], nodes, { env });
    expect([code, tokens]).toEqual([0, new Set(["none"])]);
    const wrong = await run(["show", ALICE], nodes, { env: { IMSLAB_URL: "localhost" } });
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/^imslab: IMSLAB_URL: /)]);
    const token = await run(["show", ALICE], nodes, { env: { IMSLAB_TOKEN: "päss" } });
    expect(token.err).toMatch(/^imslab: IMSLAB_TOKEN: no token/);
    expect(token.err).not.toContain("päss");
  });
});

describe("list and show", () => {
  const listPath = "GET /registrations?limit=1000&offset=0";

  it("shows one line per binding", async () => {
    const { code, out } = await run(["list"], {
      [listPath]: [ok({ items: [registration], total: 1 })],
    });
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["impu", "contact", "expires in", "subscription", "re-authentication"],
      [ALICE, binding.contact, "60 min", "reg, 60 s", "-"],
      [""],
    ]);
  });

  it("reads page after page, and gives all as JSON", async () => {
    const { out, requests } = await run(["list", "--json"], {
      [listPath]: [ok({ items: [registration], total: 2 })],
      "GET /registrations?limit=1000&offset=1": [ok({ items: [registration], total: 2 })],
    });
    expect(requests).toHaveLength(2);
    expect(JSON.parse(out)).toEqual({ items: [registration, registration], total: 2 });
  });

  it("lets no peer write to the terminal", async () => {
    const evil = { ...binding, contact: "sip:\u001b[2Jx@192.0.2.1" };
    const { out } = await run(["list"], {
      [listPath]: [ok({ items: [{ ...registration, bindings: [evil] }], total: 1 })],
    });
    expect(out).toContain("sip:\\x1b[2Jx@192.0.2.1");
  });

  it.each([40, 60, 80, 101])("fits %d columns, with each IMPU in one piece", async (columns) => {
    const { out } = await run(
      ["list"],
      { [listPath]: [ok({ items: [registration], total: 1 })] },
      { env: { COLUMNS: String(columns) } },
    );
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    expect(out.split("\n").map((line) => line.split(" ")[0])).toContain(ALICE);
    expect(out.replace(/\s+/g, " ")).toContain("60 min");
  });

  it("shows what the P-CSCF keeps, and re-authentications", async () => {
    const access = {
      impu: ALICE,
      impi: "alice@ims.example",
      implicitSet: [ALICE],
      contact: binding.contact,
      flow: "udp:192.0.2.1:5070",
      serviceRoute: [],
      expiresAt: FAKE_EPOCH + 100_000,
      authenticatedAt: null,
      subscriptionExpiresAt: null,
    };
    const pcscf = await run(["list", "--from", "pcscf"], {
      "GET :9061/registrations?limit=1000&offset=0": [ok({ items: [access], total: 1 })],
    });
    expect(pcscf.out).toMatch(/udp:192\.0\.2\.1:5070 {2}100 s/);
    const list = await run(["list", "reauthentications"], {
      "GET /reauthentications?limit=1000&offset=0": [ok({ items: [ended("ignored")], total: 1 })],
    });
    expect(list.out).toContain("because ignored");
  });

  it("shows one user, or exits with 3", async () => {
    const found = await run(["show", ALICE], { [`GET ${ALICE_PATH}`]: [ok(registration)] });
    expect(found.code).toBe(0);
    expect(found.out).toContain("implicit set         sip:alice@ims.example, tel:+15550001");
    expect(found.out).toContain("  user agent         phone/1\\x1b[2J\n");
    expect(found.out).toContain("  duty to subscribe  optional, by User-Agent phone/*\n");
    const lost = await run(["show", ALICE], { [`GET ${ALICE_PATH}`]: [notRegistered] });
    expect([lost.code, lost.err]).toEqual([3, `imslab: not registered: ${ALICE} is not\n`]);
  });

  it("encodes a tel: IMPU", async () => {
    const { code } = await run(["show", "tel:+15550001"], {
      "GET /registrations/tel%3A%2B15550001": [ok(registration)],
    });
    expect(code).toBe(0);
  });
});

describe("reauth", () => {
  const post = `POST ${ALICE_PATH}/reauthenticate?wait=2`;

  it.each([
    ["reauthenticated", 0],
    ["refused", 10],
    ["ignored", 11],
    ["unreachable", 12],
    ["unsubscribed", 13],
    ["unanswered", 14],
    ["withdrawn", 15],
  ] as const)("%s exits with %i", async (end, expected) => {
    const { code, out } = await run(["reauth", ALICE], { [post]: [ok({ items: [ended(end)] })] });
    expect(code).toBe(expected);
    expect(out).toBe(`${ALICE} (${binding.contact}): ${end} after 900 ms: because ${end}\n`);
  });

  it("follows a longer one to its end, and says what it waits for", async () => {
    const { code, err, out } = await run(["reauth", ALICE], {
      [post]: [{ status: 202, body: { items: [running] } }],
      "GET /reauthentications/r1": [
        ok(running),
        ok({ ...running, progress: "acknowledged" }),
        ok(ended("ignored")),
      ],
    });
    expect(code).toBe(11);
    expect(err.split("\n")).toEqual([
      expect.stringMatching(/^waiting for sip:alice@192\.0\.2\.1:5070: notified, \d+ s left$/),
      expect.stringContaining("acknowledged"),
      "",
    ]);
    expect(out).toContain("ignored after");
  });

  it("changes its line in place on a terminal", async () => {
    const { err } = await run(
      ["reauth", ALICE],
      {
        [post]: [{ status: 202, body: { items: [running] } }],
        "GET /reauthentications/r1": [ok(ended("reauthenticated"))],
      },
      { isTTY: true },
    );
    expect(err.startsWith("\r\u001b[Kwaiting for")).toBe(true);
    expect(err.endsWith("\r\u001b[K")).toBe(true);
  });

  it("gives up after --wait and exits with 1", async () => {
    const { code, out } = await run(["reauth", ALICE, "--wait", "5"], {
      [post]: [{ status: 202, body: { items: [running] } }],
      "GET /reauthentications/r1": [ok(running)],
    });
    expect(code).toBe(1);
    expect(out).toContain("notified, not ended yet");
  });

  it("only asks with --wait 0, for one contact if told so", async () => {
    const { code, requests } = await run(["reauth", ALICE, "--wait", "0", "--contact", "sip:x"], {
      [`POST ${ALICE_PATH}/reauthenticate`]: [{ status: 201, body: { items: [running] } }],
    });
    expect([code, requests.length]).toEqual([0, 1]);
  });

  it("takes the first failure of several bindings", async () => {
    const items = [ended("reauthenticated"), ended("unanswered"), ended("refused")];
    const { code } = await run(["reauth", ALICE], { [post]: [ok({ items })] });
    expect(code).toBe(14);
  });

  it("exits with 3 for whoever is not registered", async () => {
    expect((await run(["reauth", ALICE], { [post]: [notRegistered] })).code).toBe(3);
  });
});

describe("reauth --from pcscf (Figure 5)", () => {
  const ask = `POST :9061${ALICE_PATH}/reauthenticate`;
  const asked = { status: 202, body: { impu: ALICE, contacts: [binding.contact] } };
  const argv = ["reauth", ALICE, "--from", "pcscf"];

  const list = `GET /reauthentications?impu=${encodeURIComponent(ALICE)}&limit=1000&offset=0`;
  const listed = (...items: ReauthenticationView[]): Answer => ok({ items, total: items.length });

  it("follows the S-CSCF's re-authentication", async () => {
    const { code } = await run(argv, {
      [ask]: [asked],
      [list]: [listed(), listed(), listed(running)],
      "GET /reauthentications/r1": [ok(ended("refused"))],
    });
    expect(code).toBe(10);
  });

  it("sees one that was over before it could look, in the node's own time", async () => {
    const earlier = { ...ended("ignored"), id: "r0" };
    const quick = {
      ...ended("reauthenticated"),
      requestedAt: FAKE_EPOCH - 16.2,
      endedAt: FAKE_EPOCH,
    };
    const { code, out } = await run(argv, {
      [ask]: [asked],
      [list]: [listed(earlier), listed(quick, earlier)],
    });
    expect(code).toBe(0);
    expect(out).toBe(
      `${ALICE} (${binding.contact}): reauthenticated after 16 ms: because reauthenticated\n`,
    );
  });

  it("says so when the S-CSCF does not act", async () => {
    const { code, err } = await run(argv, { [ask]: [asked], [list]: [listed()] });
    expect(code).toBe(1);
    expect(err).toContain("has not started a re-authentication");
  });

  it("only asks with --wait 0", async () => {
    const { code, out, requests } = await run([...argv, "--wait", "0"], { [ask]: [asked] });
    expect([code, requests.length]).toEqual([0, 1]);
    expect(out).toBe(`asked for ${binding.contact}\n`);
  });
});

describe("why", () => {
  const event = (at: number, text: string, source: string | null = null, times = 1) => ({
    at: FAKE_EPOCH + at,
    event: "refused",
    text,
    source,
    times,
  });
  const list = (...items: object[]): Answer => ok({ items, total: items.length });
  const page = "?limit=1000&offset=0";
  const history = (name: string): string =>
    `/registrations/${encodeURIComponent(name)}/history${page}`;
  const unknown: Answer = {
    status: 404,
    body: { title: "No such user", status: 404, detail: "x" },
  };

  it("tells what both nodes remember, in order, of every name of the user", async () => {
    const twice = event(2, "binding over");
    const { code, out } = await run(["why", "tel:+15550001"], {
      "GET /registrations/tel%3A%2B15550001": [ok(registration)],
      [`GET ${history("tel:+15550001")}`]: [
        list(event(1, "one"), event(3, "three", "192.0.2.7:5060/udp", 4)),
      ],
      [`GET :9061${history("tel:+15550001")}`]: [list()],
      [`GET :9061${history(ALICE)}`]: [list(twice)],
      [`GET :9061${history("alice@ims.example")}`]: [list(twice)],
    });
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.slice(25))).toEqual([
      "S-CSCF  one",
      "P-CSCF  binding over",
      "S-CSCF  three (4 times) [192.0.2.7:5060/udp]",
      "",
      "",
    ]);
    expect(out).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.001 {2}S-CSCF {2}one\n/);
    expect(out).toMatch(/\nnow registered\n$/);
  });

  it("a name that nobody has, and that was tried; one that nobody has tried: 3", async () => {
    const tried = await run(["why", "ghost"], {
      "GET /registrations/ghost": [unknown],
      [`GET ${history("ghost")}`]: [list(event(1, "nobody"))],
      [`GET :9061${history("ghost")}`]: [list()],
    });
    expect([tried.code, tried.out.slice(25)]).toEqual([0, "S-CSCF  nobody\n"]);
    const never = await run(["why", "ghost"], {
      "GET /registrations/ghost": [unknown],
      [`GET ${history("ghost")}`]: [unknown],
      [`GET :9061${history("ghost")}`]: [list()],
    });
    expect([never.code, never.err]).toEqual([
      3,
      "imslab: nobody is ghost, and nobody has tried that name\n",
    ]);
  });

  it.each([
    ["192.0.2.7", "192.0.2.7", 2],
    ["192.0.2.7:5070", "192.0.2.7", 1],
    ["[2001:db8::7]:5070", "2001:db8::7", 1],
    ["2001:DB8::7", "2001:db8::7", 2],
  ])("%s: what came from that address", async (written, host, lines) => {
    const path = `/sources/${encodeURIComponent(host)}/history${page}`;
    const { code, out } = await run(["why", written], {
      [`GET ${path}`]: [list(event(1, "a", `${host}:5060/udp`))],
      [`GET :9061${path}`]: [list(event(2, "b", `${host}:5070/tcp`))],
    });
    expect([code, out.split("\n").length - 1]).toEqual([0, lines]);
  });

  it("leaves a node out that cannot be reached, and says so; none there: 1", async () => {
    const some = await run(["why", "bob"], {
      "GET /registrations/bob": [ok(registration)],
      [`GET ${history("bob")}`]: [list(event(1, "one"))],
    });
    expect(some.code).toBe(0);
    expect(some.err).toMatch(/^imslab: left out: cannot reach the P-CSCF/);
    expect((await run(["why", "bob"])).code).toBe(1);
    expect((await run(["why", "192.0.2.7"])).code).toBe(1);
  });
});

describe("wait", () => {
  const get = `GET ${ALICE_PATH}`;
  const gone = { ...registration, state: "not-registered" as const, bindings: [] };
  const again = { ...registration, bindings: [{ ...binding, authenticatedAt: FAKE_EPOCH + 9 }] };
  const another = { ...registration, bindings: [binding, { ...binding, id: "b2" }] };

  it.each([
    ["registered already", [], [registration], 0],
    ["registers meanwhile", ["--registered"], [gone, gone, registration], 0],
    ["registers never", ["--registered"], [gone], 3],
    ["authenticates anew", ["--authenticated"], [registration, registration, again], 0],
    ["another device does", ["--authenticated"], [registration, another], 0],
    ["leaves and comes back", ["--authenticated"], [registration, gone, again], 0],
    ["does not authenticate", ["--authenticated"], [registration], 1],
    ["leaves", ["--authenticated"], [registration, gone], 3],
  ])("%s: %j %#", async (_what, options, answers, expected) => {
    const argv = ["wait", ALICE, ...options, "--timeout", "2"];
    expect((await run(argv, { [get]: answers.map(ok) })).code).toBe(expected);
  });

  it("a user that nobody is: 3, at once", async () => {
    const { code, requests } = await run(["wait", ALICE], { [get]: [notRegistered] });
    expect([code, requests.length]).toEqual([3, 1]);
  });
});

describe("register", () => {
  const ue = (state: string, lastFailure: string | null = null) => ({
    impi: "a",
    impu: ALICE,
    registration: { state, why: null, lastFailure },
  });
  const others = { ...ue("waiting"), impi: "b", impu: "sip:other@ims.example" };
  const answer = (...items: object[]): Answer => ok({ items, total: items.length });

  it.each([
    ["registered", null, 0, `${ALICE}: registered\n`],
    ["waiting", "answered 403", 1, `${ALICE}: waiting: answered 403\n`],
  ])("%s", async (state, failure, expected, text) => {
    const { code, out } = await run(["register", ALICE], {
      "POST :9063/register": [answer(ue("registering"))],
      "GET :9063/state?limit=1000&offset=0": [
        answer(ue("registering"), others),
        answer(ue(state, failure), others),
      ],
    });
    expect([code, out]).toEqual([expected, text]);
  });
});

describe("dereg", () => {
  it.each([
    [[], "cause=deactivated"],
    [["--cause", "rejected"], "cause=rejected"],
    [["--cause", "probation", "--retry-after", "30"], "cause=probation&retryAfterSeconds=30"],
    [["--contact", "sip:x@y"], "cause=deactivated&contact=sip%3Ax%40y"],
  ])("%j asks for %s", async (options, query) => {
    const { code, out } = await run(["dereg", ALICE, ...options], {
      [`DELETE ${ALICE_PATH}?${query}`]: [ok({ impu: ALICE, cause: "x", contacts: ["sip:x"] })],
    });
    expect(code).toBe(0);
    expect(out).toContain("sip:x");
  });

  it("what a device calls itself steers no terminal", async () => {
    const { out } = await run(["dereg", ALICE], {
      [`DELETE ${ALICE_PATH}?cause=deactivated`]: [
        ok({ impu: ALICE, cause: "x", contacts: ["sip:\u001b[2J@\u202ex"] }),
      ],
    });
    expect(out).toBe(`${ALICE}: deactivated: sip:\\x1b[2J@\\u{202e}x\n`);
  });
});

describe("nodes that cannot be asked", () => {
  it.each([
    ["without a token", { status: 401, body: { title: "Token needed", status: 401 } }, "--token"],
    ["something else", { status: 200, body: undefined }, "is this a S-CSCF?"],
    [
      "with a fault of its own",
      { status: 500, body: { title: "Internal error", status: 500, detail: "See the log." } },
      "S-CSCF: Internal error: See the log.",
    ],
    [
      "another service",
      { status: 404, body: { title: "No such resource", status: 404 } },
      "No such resource",
    ],
  ])("%s: exit code 1 and what to do", async (_what, answer, message) => {
    const { code, err } = await run(["show", ALICE], { [`GET ${ALICE_PATH}`]: [answer] });
    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  it.each([
    [
      ["list", "--url", "http://127.0.0.1:9061"],
      "GET :9061/registrations?limit=1000&offset=0",
      "--url",
    ],
    [
      ["list", "--from", "pcscf", "--pcscf-url", "http://127.0.0.1:9062"],
      "GET /registrations?limit=1000&offset=0",
      "--pcscf-url",
    ],
  ])("swapped URLs: %j says which node answered there", async (argv, path, option) => {
    const { code, err } = await run(argv, { [path]: [ok({ items: [{}], total: 1 })] });
    expect(code).toBe(1);
    expect(err).toMatch(/^imslab: at http:\/\/\S+ a [PS]-CSCF answers, not the [PS]-CSCF: /);
    expect(err).toContain(`${option} names the`);
  });

  it("what is no node of the lab is none, however well it answers", async () => {
    const url = "http://127.0.0.1:8080";
    const answers = {
      "GET :8080/registrations?limit=1000&offset=0": [ok({ items: [], total: 0 })],
    };
    const { code, err } = await run(["list", "--url", url], answers);
    expect([code, err]).toEqual([1, expect.stringContaining("no S-CSCF of this lab")]);
  });

  it("sends the token of the environment, or the option's", async () => {
    const nodes = { [`GET ${ALICE_PATH}`]: [ok(registration)] };
    const env = { IMSLAB_TOKEN: "from-env" };
    expect((await run(["show", ALICE], nodes, { env })).tokens).toEqual(
      new Set(["Bearer from-env"]),
    );
    const option = await run(["show", ALICE, "--token", "t"], nodes, { env });
    expect(option.tokens).toEqual(new Set(["Bearer t"]));
  });
});

describe("a UE's calls and messages", () => {
  const UE = ":9063";
  const BOB = "sip:bob@ims.example";
  const placed: CallView = {
    callId: "c1",
    direction: "outgoing",
    peer: BOB,
    state: "inviting",
    why: null,
    heldHere: false,
    heldThere: false,
    startedAt: FAKE_EPOCH,
    upAt: null,
    overAt: null,
    packets: 0,
  };
  const state = (change: Partial<CallView>): Answer =>
    ok({ items: [{ impi: "a", impu: ALICE, calls: [{ ...placed, ...change }] }], total: 1 });
  const STATE = `GET ${UE}/state?limit=1000&offset=0`;

  it("call: waits for the answer, hangs up in time", async () => {
    const up = state({ state: "up", upAt: FAKE_EPOCH });
    const over = state({
      state: "over",
      why: "hung up here",
      upAt: FAKE_EPOCH,
      overAt: FAKE_EPOCH + 2_000,
      packets: 7,
    });
    const { code, out, requests } = await run(["call", ALICE, BOB, "--seconds", "0.1"], {
      [`POST ${UE}/call`]: [ok(placed)],
      [STATE]: [state({ state: "ringing" }), up, up, over],
      [`POST ${UE}/hangup`]: [ok({})],
    });
    expect([code, out]).toEqual([0, `${BOB} answered, hung up here after 2.0 s, 7 RTP packets\n`]);
    expect(requests.filter((line) => line.endsWith("/hangup"))).toHaveLength(1);
  });

  it.each([
    [{ state: "over", why: "answered 486" } as const, 1, "did not answer: answered 486"],
    [{ state: "up", upAt: FAKE_EPOCH } as const, 0, "has answered; POST /hangup ends the call"],
  ])("call --seconds 0: %j exits with %d", async (change, expected, text) => {
    const { code, out } = await run(["call", ALICE, BOB, "--seconds", "0"], {
      [`POST ${UE}/call`]: [ok(placed)],
      [STATE]: [state(change)],
    });
    expect([code, out]).toEqual([expected, `${BOB} ${text}\n`]);
  });

  it("call of a UE that is not registered: 3", async () => {
    const body = { type: "about:blank", status: 409, title: "Not registered", detail: "a" };
    const { code } = await run(["call", ALICE, BOB], {
      [`POST ${UE}/call`]: [{ status: 409, body }],
    });
    expect(code).toBe(3);
  });

  it.each([
    [200, null, 0, "has it"],
    [480, "Temporarily Unavailable", 1, "did not get it: 480 Temporarily Unavailable"],
    [null, "timeout", 1, "did not get it: timeout"],
  ])("message: %s %s exits with %d", async (status, why, expected, text) => {
    const sent = { at: 1, direction: "sent", peer: BOB, text: "hello", status, why };
    const nodes = { [`POST ${UE}/message`]: [ok(sent)] };
    const { code, out } = await run(["message", ALICE, BOB, "hello"], nodes);
    expect([code, out]).toEqual([expected, `${BOB} ${text}\n`]);
  });
});

describe("over HTTP", () => {
  it("talks to a real server, and names one that is not there", async () => {
    const server = createServer((request, response) => {
      response.setHeader("content-type", "application/json");
      response.setHeader(NODE_HEADER, "S-CSCF");
      response.setHeader("connection", "close");
      response.end(JSON.stringify({ ...registration, impi: request.url }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    let [out, err] = ["", ""];
    const terminal: CommandContext = {
      env: { IMSLAB_URL: url },
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      fetch,
      clock: systemClock(),
    };
    expect(await imslab(["show", ALICE], terminal)).toBe(0);
    expect(out).toContain(`impi                 ${ALICE_PATH}`);
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    expect(await imslab(["show", ALICE], terminal)).toBe(1);
    expect(err).toMatch(/^imslab: cannot reach the S-CSCF at .* \(ECONNREFUSED\): .*--url\n$/);
  });
});
