// The log: JSON lines of named events; secrets stay out whatever one does.
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { isoTime } from "../../src/platform/clock.ts";
import { logRateLimit } from "../../src/platform/log-rate-limit.ts";
import { createLogger, type LogFields, type LogSettings } from "../../src/platform/logger.ts";
import { Secret } from "../../src/platform/secret.ts";
import { FAKE_EPOCH, FakeClock } from "../../src/testing/fake-clock.ts";
import { memoryLogger } from "../../src/testing/memory-logger.ts";

function logTo(
  lines: string[],
  level: LogSettings["level"],
  format: LogSettings["format"] = "json",
): ReturnType<typeof createLogger> {
  return createLogger({
    node: "scscf",
    settings: { level, ...(format !== undefined && { format }) },
    clock: new FakeClock(),
    output: { write: (line) => void lines.push(line), flush: () => Promise.resolve() },
  });
}

describe("the log", () => {
  it("writes one JSON line per event, with the node, the time and the fields", () => {
    const lines: string[] = [];
    const log = logTo(lines, "info").child({ impi: "alice@ims.example" });
    log.info("registration.bound", { callId: "1@ue", contacts: 2 });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: "info",
        time: FAKE_EPOCH,
        node: "scscf",
        impi: "alice@ims.example",
        callId: "1@ue",
        contacts: 2,
        event: "registration.bound",
      },
    ]);
  });

  it("leaves out what is below its level, and says so when asked", () => {
    const lines: string[] = [];
    const log = logTo(lines, "warn");
    log.info("registration.bound");
    expect(lines).toEqual([]);
    expect([log.enabled("info"), log.enabled("error")]).toEqual([false, true]);
  });

  it("never writes a field that is called like a secret, nor a Secret's value", () => {
    const lines: string[] = [];
    const sneaked = { key: new Secret("hidden") } as unknown as LogFields;
    logTo(lines, "info").info("auth.failed", { k: "465b5ce8", password: "pw", impu: "sip:a" });
    logTo(lines, "info").info("auth.failed", sneaked);
    expect(lines.join("")).not.toMatch(/465b5ce8|"pw"|hidden/);
    expect(lines.join("")).toContain("sip:a");
  });

  it("cuts a text that is longer than anybody reads", () => {
    const lines: string[] = [];
    logTo(lines, "info").warn("registration.refused", {
      callId: "x".repeat(60_000),
      detail: "d".repeat(1_000),
    });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      callId: `${"x".repeat(1_000)}… (60000 characters)`,
      detail: "d".repeat(1_000),
    });
  });

  it("writes times in whole milliseconds, and other numbers as they are", () => {
    const lines: string[] = [];
    const fields = { expiresAt: 1796432864146.818, tookMs: 7.4, share: 0.25 };
    logTo(lines, "info").info("registration.granted", fields);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      expiresAt: 1796432864147,
      tookMs: 7,
      share: 0.25,
    });
  });

  it("says the same as text: ISO time and event first, nothing that steers a terminal", () => {
    const lines: string[] = [];
    logTo(lines, "info", "text").warn("registration.refused", {
      status: 403,
      detail: "no \u001b[2Jsuch user\u009b",
      impus: ["sip:a@b", "tel:+1"],
      setting: undefined,
    });
    expect(lines).toEqual([
      `${isoTime(FAKE_EPOCH)} registration.refused warn scscf status=403 ` +
        'detail="no \\u001b[2Jsuch user\\x9b" impus=["sip:a@b","tel:+1"]\n',
    ]);
  });

  it("keeps an error's message and stack", () => {
    const lines: string[] = [];
    logTo(lines, "info").error("node.fault", { error: new TypeError("broken") });
    expect(lines[0]).toMatch(/"type":"TypeError","message":"broken","stack":/);
  });
});

describe("a Secret", () => {
  it("is shown by nothing but reveal()", () => {
    const secret = new Secret("00112233");
    const shown = [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), String(secret)];
    expect(shown.join("")).not.toContain("00112233");
    expect(secret.reveal()).toBe("00112233");
  });
});

describe("logRateLimit", () => {
  it("lets a key through once a period", () => {
    const clock = new FakeClock();
    const once = logRateLimit(clock);
    expect([once("a"), once("a"), once("b")]).toEqual([true, false, true]);
    clock.advance(59_999);
    expect(once("a")).toBe(false);
    clock.advance(1);
    expect(once("a")).toBe(true);
  });

  it("stays silent for new keys while its memory is full of recent ones", () => {
    const clock = new FakeClock();
    const once = logRateLimit(clock, 1000, 2);
    expect([once("a"), once("b"), once("c")]).toEqual([true, true, false]);
    clock.advance(1000);
    expect(once("c")).toBe(true);
  });
});

describe("the memory log", () => {
  it("keeps events with the fields of the child that logged them", () => {
    const log = memoryLogger();
    log.child({ impu: "sip:a" }).warn("trigger.unsubscribed", { n: 1 });
    expect(log.named("trigger.unsubscribed")).toEqual([{ impu: "sip:a", n: 1 }]);
    expect(log.events[0]?.level).toBe("warn");
  });
});
