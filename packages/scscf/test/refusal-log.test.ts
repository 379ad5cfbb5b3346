// A flood of refusals does not become a flood of lines, and nothing is dropped in silence.
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { expect, test } from "vitest";
import { UserHistory } from "../src/history/user-history.ts";
import { RefusalLog } from "../src/refusal-log.ts";
import { parseSubscribers } from "../src/subscribers/load.ts";

const FILE = `
subscribers:
  - { impi: bob@home, impus: [sip:bob@home, "tel:+15550002"], auth: { scheme: digest, password: secret } }
  - { impi: carol@home, impus: [sip:carol@home], auth: { scheme: digest, password: secret } }
`;

function lab() {
  const clock = new FakeClock();
  const log = memoryLogger();
  const users = parseSubscribers(FILE);
  if (users.kind === "refused") throw new Error(users.problems.join("\n"));
  const history = new UserHistory(users.directory, clock);
  const refusals = new RefusalLog({ log, clock, history });
  const refuse = (
    impi: string,
    why = "the password differs",
    source = "192.0.2.7:5060/udp",
  ): void =>
    refusals.warn(
      "registration.refused",
      { status: 403, reason: "r", why, impi, source },
      "refused",
    );
  const lines = () => log.named("registration.refused");
  return { clock, log, history, refusals, refuse, lines };
}

test("the same refusal of the same user and device: ten lines, then how many more in a minute", () => {
  const { clock, refuse, lines } = lab();
  for (let times = 0; times < 1_000; times++) refuse("bob@home", `try ${times}`);
  expect(lines()).toHaveLength(10);
  clock.advance(60_000);
  expect(lines().at(-1)).toMatchObject({
    impi: "bob@home",
    more: 990,
    seconds: 60,
    why: "990 more from 192.0.2.7 in 60 s, last: try 999",
  });
  clock.advance(600_000);
  expect(lines()).toHaveLength(11);
});

test("another user behind the same address, and another address of that user, have their own", () => {
  const { refuse, lines } = lab();
  refuse("bob@home");
  refuse("carol@home");
  refuse("carol@home", "the password differs", "192.0.2.8:5060/udp");
  expect(lines()).toHaveLength(3);
});

test("an address that names ever new users gets ten lines and a sum", () => {
  const { clock, refuse, lines } = lab();
  for (let n = 0; n < 1_000; n++) refuse(`user${n}@home`);
  expect(lines()).toHaveLength(10);
  clock.advance(60_000);
  expect(lines()).toHaveLength(11);
  expect(lines().at(-1)).toMatchObject({
    more: 990,
    why: expect.stringMatching(/^990 more from 192/),
  });
});

test("ever new addresses get five hundred lines a minute and a sum", () => {
  const { clock, refuse, lines } = lab();
  for (let n = 0; n < 2_000; n++)
    refuse("bob@home", "who", `192.0.${Math.floor(n / 200)}.${n % 200}:5060/udp`);
  expect(lines()).toHaveLength(500);
  clock.advance(60_000);
  expect(lines()).toHaveLength(501);
  expect(lines().at(-1)?.["why"]).toMatch(/^1500 more from several addresses in 60 s/);
});

test("one cause of ever new users of ever new addresses: six hundred lines a minute, however many are new", () => {
  const { refuse, lines } = lab();
  for (let n = 0; n < 400; n++)
    for (let times = 0; times < 5; times++) refuse("bob@home", "who", `192.0.2.${n}:5060/udp`);
  expect(lines()).toHaveLength(600);
});

test("what was counted when the node ends is said", () => {
  const { refusals, refuse, lines } = lab();
  for (let times = 0; times < 11; times++) refuse("bob@home");
  refusals.close();
  expect(lines().at(-1)).toMatchObject({ more: 1 });
});

test("the history has it under every name that the request gave, and under its address", () => {
  const { history, refusals } = lab();
  const source = "[2001:db8::7]:5060/tcp";
  const fields = { status: 403, reason: "foreign-impu", why: "not his", source };
  refusals.warn("x.y", { ...fields, impi: "carol@home", impu: "sip:bob@home" }, "refused");
  refusals.warn("x.y", { ...fields, impi: "nobody", impu: "sip:who@home" }, "refused");
  const texts = (name: string) => history.of(name).events.map(({ text }) => text);
  for (const name of ["carol@home", "sip:carol@home", "bob@home", "sip:bob@home", "tel:+15550002"])
    expect(texts(name)).toEqual(["REGISTER refused: 403: not his"]);
  for (const name of ["nobody", "sip:who@home", "sip:who@HOME;x=y"])
    expect(texts(name)).toEqual(["REGISTER refused: 403: not his"]);
  expect(history.of("nobody").isKnown).toBe(false);
  expect(history.of("tel:+15550002").isKnown).toBe(true);
  expect(texts("somebody")).toEqual([]);
  expect(history.ofSource("2001:db8::7").map(({ text }) => text)).toEqual([
    "REGISTER refused: carol@home: 403: not his",
    "REGISTER refused: nobody: 403: not his",
  ]);
});

test("strangers fill a bounded table, and a user's own events stay whatever they try", () => {
  const { history, refuse } = lab();
  history.note("bob@home", "registered", "sip:bob@192.0.2.1");
  for (let n = 0; n < 3_000; n++) refuse("bob@home", `try ${n}`, `192.0.2.1:${n}/udp`);
  for (let n = 0; n < 3_000; n++) refuse(`stranger${n}`);
  const { events } = history.of("bob@home");
  expect(events).toHaveLength(20);
  expect(events[0]).toMatchObject({ event: "registered" });
  expect(events.at(-1)).toMatchObject({ text: "REGISTER refused: 403: try 2999", times: 1 });
  expect(history.of("stranger0").events).toEqual([]);
  expect(history.of("stranger2999").events).toHaveLength(1);
});
