// Lines that peers cause: summed up per window, over one timer however many windows there are.
import { SummedLines } from "@ims-lab/common/platform/summed-lines";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { expect, test } from "vitest";

const WINDOW_MS = 1000;

function summing(): {
  clock: FakeClock;
  lines: SummedLines;
  say(key: string): void;
  said(): number[];
} {
  const clock = new FakeClock();
  const log = memoryLogger();
  const lines = new SummedLines({ clock, log, windowMs: WINDOW_MS, burst: 1 });
  return {
    clock,
    lines,
    say: (key) =>
      lines.say({ level: "warn", event: "refused", key, host: key, fields: { why: key } }),
    said: () => log.named("refused").map(({ more }) => Number(more ?? 0)),
  };
}

test("one timer runs for all windows, when some open again while others are still open", () => {
  const { clock, say, lines } = summing();
  for (let round = 0; round < 5; round++) {
    say("a");
    say("a"); // is summed up, and its window opens again
    clock.advance(WINDOW_MS / 2);
    say("b");
    say("b");
    clock.advance(WINDOW_MS / 2);
    expect(clock.pending).toBe(1);
  }
  lines.close();
  expect(clock.pending).toBe(0);
});

test("each window says what came meanwhile when its own time is over", () => {
  const { clock, say, said } = summing();
  say("a");
  say("a");
  clock.advance(WINDOW_MS / 2);
  say("b");
  say("b");
  clock.advance(WINDOW_MS / 2);
  expect(said()).toEqual([0, 0, 1]);
  clock.advance(WINDOW_MS / 2);
  expect(said()).toEqual([0, 0, 1, 1]);
  clock.advance(WINDOW_MS * 3);
  expect(clock.pending).toBe(0);
});
