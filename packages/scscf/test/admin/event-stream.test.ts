// The event stream: numbers that rise, a ring that says what it has forgotten, readers that keep up or go.

import { eventSchema } from "@ims-lab/common/admin-api/event-schemas";
import type { StreamEvent } from "@ims-lab/common/admin-api/events";
import { eventTypes } from "@ims-lab/common/admin-api/events";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeEach, describe, expect, test } from "vitest";
import { EVENTS_REMEMBERED, EventStream, MOST_READERS } from "../../src/admin/event-stream.ts";
import { type EventReader, MOST_BUFFERED_OCTETS } from "../../src/admin/stream-readers.ts";
import type { RegistrationEvent } from "../../src/registration/events.ts";
import { Device, Lab, type Peer } from "../lab.ts";

class Reading implements EventReader {
  text = "";
  buffered = 0;
  over = "";
  write(text: string): void {
    this.text += text;
  }
  end(): void {
    this.over += "end";
  }
  drop(): void {
    this.over += "drop";
  }
  get events(): StreamEvent[] {
    return [...this.text.matchAll(/^event: (?!gap)\w+\ndata: (.*)$/gm)].map(
      ([, data = ""]) => JSON.parse(data) as StreamEvent,
    );
  }
  get words(): string[] {
    return this.events.map(({ type, event }) => `${type} ${event}`);
  }
}

const ALL = { lastId: undefined, names: undefined };

describe("at an S-CSCF", () => {
  let lab: Lab;
  let pcscf: Peer;
  let bob: Device;
  let reading: Reading;

  beforeEach(async () => {
    ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
    bob = new Device(lab, pcscf, "bob");
    reading = new Reading();
    expect(lab.scscf.eventStream.open(reading, ALL)).toBe(true);
  });

  test("a life of a registration and a campaign, and the end of its subscriber, each event as its schema says", async () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
    lab.run();
    bob.register({ integrity: "ip-assoc-yes", password: "wrong" });
    bob.register({ integrity: "ip-assoc-yes" });
    const { campaigns } = lab.scscf;
    const order = { filter: {}, percent: 100, pacePerSecond: 1, jitter: 0, seed: "s" };
    await campaigns.start(order, await campaigns.select(order));
    bob.register({ integrity: "ip-assoc-yes", expires: 0 });
    await lab.scscf.provisioning.remove("bob@ims.example");
    expect(reading.words).toEqual([
      "authentication challenged",
      "authentication succeeded",
      "registration registered",
      "subscription begun",
      "subscription notify-answered",
      "reauthentication asked",
      "reauthentication triggered",
      "reauthentication progressed",
      "subscription notify-answered",
      "reauthentication progressed",
      "authentication challenged",
      "reauthentication progressed",
      "authentication failed",
      "reauthentication progressed",
      "authentication challenged",
      "reauthentication progressed",
      "authentication succeeded",
      "registration refreshed",
      "reauthentication ended",
      "subscription notify-answered",
      "campaign started",
      "registration removed",
      "subscription ended",
      "subscriber removed",
    ]);
    const validate = new Ajv2020({ strict: false }).compile(eventSchema);
    for (const event of reading.events)
      expect([event, validate(event), validate.errors]).toEqual([event, true, null]);
    expect(new Set(reading.events.map(({ type }) => type))).toEqual(new Set(eventTypes));
    const ids = reading.events.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, at) => (ids[0] ?? 0) + at));
    const ended = reading.events.find(({ event, type }) => `${type} ${event}` === ENDED);
    expect(ended).toMatchObject({ end: "reauthenticated", impi: "bob@ims.example" });
    const failed = reading.events.find(({ event }) => event === "failed");
    expect(failed).toMatchObject({ source: expect.stringMatching(/^10\.1\.0\.1:4060\/udp$/) });
    expect(failed?.text).toContain("authentication failed: the password differs");
  });

  test("one who says nothing to its 401", () => {
    bob.register({ silent: true });
    lab.run(11_000);
    expect(reading.words).toEqual(["authentication challenged", "authentication unanswered"]);
  });

  test("what could not be made durable is not told", async () => {
    const { tryingStore } = await import("../contract/trying-store.ts");
    const store = tryingStore();
    const other = await Lab.startWith(store, "--pcscf.subscribe=false");
    other.lab.scscf.eventStream.open(reading, ALL);
    store.problem = new Error("disk full");
    new Device(other.lab, other.pcscf, "bob").register();
    expect(reading.words).toEqual(["authentication challenged"]);
  });
});

const ENDED = "reauthentication ended";

describe("the stream", () => {
  let clock: FakeClock;
  let stream: EventStream;

  beforeEach(() => {
    clock = new FakeClock();
    stream = new EventStream({ clock, dutySeconds: 32 });
  });

  const happened = (impi: string): RegistrationEvent => ({
    kind: "authenticated",
    impi,
    impu: `sip:${impi}`,
    callId: "c",
  });
  const read = (lastId: number | undefined, names?: ReadonlySet<string>): Reading => {
    const reading = new Reading();
    stream.open(reading, { lastId, names });
    return reading;
  };

  test("a reader that comes back hears what it has missed, once", () => {
    const first = read(undefined);
    for (const name of ["a", "b", "c"]) stream.on(happened(name));
    const [a] = first.events;
    const again = read(a?.id);
    stream.on(happened("d"));
    expect(again.events.map(({ impi }) => impi)).toEqual(["b", "c", "d"]);
    expect(again.text).not.toContain("event: gap");
  });

  test("one that lost its connection before the first event misses none", () => {
    const first = read(undefined);
    const id = /^id: (\d+)\n\n/m.exec(first.text)?.[1];
    stream.on(happened("a"));
    const again = read(Number(id));
    expect(again.events.map(({ impi }) => impi)).toEqual(["a"]);
    expect(again.text).not.toContain("event: gap");
  });

  test("one that is up to date hears nothing anew", () => {
    const first = read(undefined);
    stream.on(happened("a"));
    const again = read(first.events[0]?.id);
    expect(again.events).toEqual([]);
    expect(again.text).not.toContain("gap");
  });

  test("where its last event is older than the ring it is told from which id it goes on", () => {
    const first = read(undefined);
    for (let n = 0; n < EVENTS_REMEMBERED + 3; n++) stream.on(happened(`u${n}`));
    const [oldest, next] = first.events;
    const kept = read((oldest?.id ?? 0) + 2); // the fourth is the oldest that is remembered
    expect(kept.text).not.toContain("gap");
    expect(kept.events).toHaveLength(EVENTS_REMEMBERED);
    const late = read(next?.id);
    expect(/event: gap\ndata: (.*)\n\n/.exec(late.text)?.[1]).toBe(
      JSON.stringify({ from: (oldest?.id ?? 0) + 3 }),
    );
    expect(late.events).toHaveLength(EVENTS_REMEMBERED);
    expect(late.events[0]?.impi).toBe("u3");
  });

  test.each([1, Number.MAX_SAFE_INTEGER])("an id that was never given (%d) is a gap, too", (id) => {
    stream.on(happened("a"));
    const reading = read(id);
    expect(reading.text).toContain("event: gap");
    expect(reading.events.map(({ impi }) => impi)).toEqual(["a"]);
  });

  test("numbers rise over a restart", () => {
    const before = read(undefined);
    for (let n = 0; n < 100; n++) stream.on(happened("a"));
    clock.advance(1000);
    stream = new EventStream({ clock, dutySeconds: 32 });
    const after = read(before.events.at(-1)?.id);
    stream.on(happened("b"));
    expect(after.text).toContain("event: gap");
    expect(after.events[0]?.id).toBeGreaterThan(before.events.at(-1)?.id ?? 0);
  });

  test("only of the identities that were asked for", () => {
    stream.on(happened("a"));
    const reading = read(0, new Set(["b"]));
    stream.on(happened("a"));
    stream.on(happened("b"));
    expect(reading.events.map(({ impi }) => impi)).toEqual(["b"]);
  });

  test("who does not read is dropped, the others go on", () => {
    const [slow, quick] = [read(undefined), read(undefined)];
    slow.buffered = MOST_BUFFERED_OCTETS + 1;
    stream.on(happened("a"));
    stream.on(happened("b"));
    expect([slow.over, slow.events.length]).toEqual(["drop", 0]);
    expect([quick.over, quick.events.length]).toEqual(["", 2]);
    expect(stream.readers).toBe(1);
  });

  test("also when nothing happens but time", () => {
    const slow = read(undefined);
    slow.buffered = MOST_BUFFERED_OCTETS + 1;
    clock.advance(15_000);
    expect(slow.over).toBe("drop");
    expect(clock.pending).toBe(0);
  });

  test("a comment every 15 s, for as long as somebody reads", () => {
    const reading = read(undefined);
    const before = reading.text.length;
    clock.advance(45_000);
    expect(reading.text.slice(before)).toBe(":\n\n:\n\n:\n\n");
    stream.left(reading);
    expect(clock.pending).toBe(0);
  });

  test("so many readers, and no more; one that leaves makes room", () => {
    const readers = Array.from({ length: MOST_READERS }, () => read(undefined));
    expect(stream.mayOpen).toBe(false);
    expect(stream.open(new Reading(), ALL)).toBe(false);
    const [first] = readers;
    if (first !== undefined) stream.left(first);
    expect(stream.open(new Reading(), ALL)).toBe(true);
  });

  test("closing ends every reader's stream and opens none", () => {
    const readers = [read(undefined), read(undefined)];
    stream.close();
    expect(readers.map(({ over }) => over)).toEqual(["end", "end"]);
    expect([stream.readers, stream.mayOpen, clock.pending]).toEqual([0, false, 0]);
  });

  test("without readers an event is noted, not written", () => {
    const event = happened("a");
    Object.defineProperty(event, "impu", {
      get: () => {
        throw new Error("read");
      },
    });
    expect(() => stream.on(event)).not.toThrow();
  });
});
