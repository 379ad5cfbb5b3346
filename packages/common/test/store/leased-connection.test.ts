// A lease and its connection: held, lost and taken anew, one connection at a time, whatever happens meanwhile.
import {
  LeasedConnection,
  type LeasedConnectionOptions,
  type LeaseRefusal,
  type LeaseRequest,
} from "@ims-lab/common/store/leased-connection";
import { RedisRefusal } from "@ims-lab/common/store/redis-connection";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { describe, expect, test } from "vitest";

const LATENCY_MS = 10;

class Line {
  isOpen = true;
  onLost: (why: Error) => void;

  constructor(onLost: (why: Error) => void) {
    this.onLost = onLost;
  }

  close(): void {
    this.isOpen = false;
  }

  lose(): void {
    this.isOpen = false;
    this.onLost(new Error("cut"));
  }
}

/** A Redis that a test has its hands on: each step takes 10 ms, and fails when its connection is closed meanwhile. */
function lab(overrides: Partial<LeasedConnectionOptions<Line>> = {}) {
  const clock = new FakeClock();
  const lines: Line[] = [];
  const requests: LeaseRequest[] = [];
  const renewals: number[] = [];
  let refusal: LeaseRefusal | undefined;
  let isAway = false;
  let tokens = 0;
  const passes = (): Promise<void> =>
    new Promise((resolve) => void clock.after(LATENCY_MS, resolve));
  const step = async <T>(line: Line, answer: () => T): Promise<T> => {
    await passes();
    if (!line.isOpen) throw new Error("closed");
    return answer();
  };
  const leased = new LeasedConnection<Line>({
    url: "redis://lab",
    clock,
    log: memoryLogger(),
    newToken: () => `t${++tokens}`,
    connect: async (onLost) => {
      await passes();
      if (isAway) throw new Error("nobody answers");
      const line = new Line(onLost);
      lines.push(line);
      return line;
    },
    take: (line, request) => {
      requests.push(request);
      return step(line, () => refusal);
    },
    renew: (line) => step(line, () => renewals.push(clock.now())),
    release: (line) => step(line, () => undefined),
    persistence: (line) => step(line, () => "aof_enabled:1"),
    ...overrides,
  });
  return {
    clock,
    lines,
    requests,
    renewals,
    leased,
    step,
    refuse: (why: LeaseRefusal | undefined) => {
      refusal = why;
    },
    away: (is: boolean) => {
      isAway = is;
    },
    opened: async () => {
      const opening = leased.open();
      await clock.advanceAsync(5 * LATENCY_MS);
      return opening;
    },
    /** What comes of it in this time. */
    ends: async <T>(work: Promise<T>, milliseconds = 2 * LATENCY_MS) => {
      const said = work.then(
        (value) => value,
        (problem: unknown) => problem,
      );
      await clock.advanceAsync(milliseconds);
      return said;
    },
    openLines: () => lines.filter(({ isOpen }) => isOpen).length,
  };
}

describe("a leased connection", () => {
  test("renews its lease each second; lost, it is made anew in half a second, with its old token and a new one", async () => {
    const { clock, lines, requests, renewals, leased, opened, openLines } = lab();
    await opened();
    await clock.advanceAsync(3500);
    expect(renewals).toHaveLength(3);
    lines[0]?.lose();
    await expect(leased.run(async () => 1)).rejects.toThrow("redis://lab is away: cut");
    await clock.advanceAsync(450);
    expect(lines).toHaveLength(1);
    await clock.advanceAsync(100);
    expect(await leased.run(async () => 1)).toBe(1);
    expect(requests.map(({ token, before }) => [token, before])).toEqual([
      ["t1", ""],
      ["t2", "t1"],
    ]);
    expect(openLines()).toBe(1);
  });

  test("away for long: tried again and again, and whoever asks meanwhile hears the latest reason", async () => {
    const { clock, lines, leased, opened, away } = lab();
    await opened();
    away(true);
    lines[0]?.lose();
    await clock.advanceAsync(5000);
    await expect(leased.run(async () => 1)).rejects.toThrow("is away: nobody answers");
    away(false);
    await clock.advanceAsync(600);
    expect(await leased.run(async () => 1)).toBe(1);
  });

  test("a lease that another node has now is taken anew; any other refusal is whose asked", async () => {
    const { clock, lines, leased, opened, step, ends } = lab();
    await opened();
    const refusedWith = (text: string): Promise<unknown> =>
      ends(
        leased.asHolder((line) =>
          step(line, () => {
            throw new RedisRefusal(text);
          }),
        ),
      );
    expect(await refusedWith("NOREPLICAS")).toBeInstanceOf(RedisRefusal);
    expect(lines[0]?.isOpen).toBe(true);
    expect(await refusedWith("OWNER another node has it")).toBeInstanceOf(RedisRefusal);
    expect(lines[0]?.isOpen).toBe(false);
    await clock.advanceAsync(600);
    expect(await leased.run(async () => 1)).toBe(1);
  });

  test("a refusal of an earlier connection says nothing of the one that follows", async () => {
    const { clock, lines, leased, opened, ends } = lab();
    await opened();
    const late = leased.asHolder(async () => {
      await new Promise<void>((resolve) => void clock.after(800, resolve));
      throw new RedisRefusal("OWNER another node has it");
    });
    lines[0]?.lose();
    expect(await ends(late, 900)).toBeInstanceOf(RedisRefusal);
    expect(lines.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    expect(await leased.run(async () => 1)).toBe(1);
  });

  test("a batch whose answer got lost has failed, and is named once to the next lease; a refused one is not", async () => {
    const { clock, lines, requests, leased, opened, step, ends } = lab();
    await opened();
    const batches: string[] = [];
    const write = (answer: () => unknown): Promise<unknown> =>
      ends(
        leased.write((line, _token, batch) => {
          batches.push(batch);
          return step(line, answer);
        }),
      );
    expect(await write(() => "done")).toBe("done");
    const refused = await write(() => {
      throw new RedisRefusal("NOREPLICAS");
    });
    expect(refused).toBeInstanceOf(RedisRefusal);
    const lost = await write(() => {
      throw new Error("no answer in 2000 ms");
    });
    expect((lost as Error).message).toBe("redis://lab is away: no answer in 2000 ms");
    await clock.advanceAsync(600);
    lines[1]?.lose();
    await clock.advanceAsync(600);
    expect(requests.map(({ inDoubt }) => inDoubt)).toEqual(["", batches[2], ""]);
    expect(new Set(batches).size).toBe(3);
  });

  test("lost while it is being taken: one attempt ends before the next one begins", async () => {
    let takings = 0;
    const { clock, lines, leased, opened, openLines } = lab({
      onTaken: async () => {
        takings += 1;
        if (takings !== 2) return;
        lines[1]?.lose();
        // Whatever waits for this connection hears of it late.
        await new Promise<void>((resolve) => void clock.after(700, resolve));
        throw new Error("closed");
      },
    });
    await opened();
    lines[0]?.lose();
    await clock.advanceAsync(3000);
    expect(lines).toHaveLength(3);
    expect(openLines()).toBe(1);
    expect(await leased.run(async () => 1)).toBe(1);
  });

  test("lost before it was handed over: it is not used", async () => {
    let connects = 0;
    const { clock, leased, lines, opened, openLines } = lab({
      connect: async (onLost) => {
        connects += 1;
        const line = new Line(onLost);
        lines.push(line);
        // As of two connections, one of which ends while the other is being made; steps over the other succeed.
        if (connects === 2) onLost(new Error("cut"));
        return line;
      },
    });
    await opened();
    lines[0]?.lose();
    await clock.advanceAsync(3000);
    expect(lines).toHaveLength(3);
    expect(openLines()).toBe(1);
    expect(await leased.run(async () => 1)).toBe(1);
  });

  test("one that has slept longer than its lease is in doubt until it has renewed it", async () => {
    const { clock, leased, opened } = lab({ renew: () => new Promise(() => undefined) });
    await opened();
    await clock.advanceAsync(3900);
    expect(leased.isDoubtful).toBe(false);
    await clock.advanceAsync(100);
    expect(leased.isDoubtful).toBe(true);
    const healthy = lab();
    await healthy.opened();
    await healthy.clock.advanceAsync(20_000);
    expect(healthy.leased.isDoubtful).toBe(false);
  });

  test.each([
    { mayEnd: true, waits: 5500 },
    { mayEnd: false, waits: 30 },
  ])(
    "a lease that another node has, mayEnd $mayEnd: refused after $waits ms at most",
    async ({ mayEnd, waits }) => {
      const { leased, refuse, ends, lines, openLines } = lab();
      refuse({ why: "a has it", mayEnd });
      expect(await ends(leased.open(), waits)).toEqual({ why: "a has it", mayEnd });
      expect(lines.length > 1).toBe(mayEnd);
      expect(openLines()).toBe(0);
    },
  );

  test("closed while it is made anew: nothing stays open, and nothing is tried any more", async () => {
    const { clock, lines, leased, opened, openLines } = lab();
    await opened();
    lines[0]?.lose();
    await clock.advanceAsync(505);
    const closed = leased.close();
    await clock.advanceAsync(5000);
    await closed;
    expect(lines).toHaveLength(2);
    expect(openLines()).toBe(0);
  });
});
