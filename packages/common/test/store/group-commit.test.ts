// Group commits: which are written together, when, and in which order they are answered.
import { expect, test } from "vitest";
import { type FlatRows, GroupCommit } from "../../src/store/group-commit.ts";
import { jsonRow, type TableFormats } from "../../src/store/rows.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

interface Rows {
  readonly marks: number;
}
const TABLES: TableFormats<Rows> = { marks: jsonRow() };

interface Disk {
  readonly clock: FakeClock;
  readonly group: GroupCommit<Rows>;
  /** Each write: ids of its rows. */
  readonly writes: string[][];
  readonly answers: string[];
  commit(...ids: string[]): void;
  /** The write under way is over. */
  written(problem?: Error): void;
}

function disk(): Disk {
  const clock = new FakeClock();
  const writes: string[][] = [];
  const answers: string[] = [];
  let over: ((problem?: Error) => void) | undefined;
  const group = new GroupCommit<Rows>({
    tables: TABLES,
    clock,
    nextTurn: (callback) => void clock.after(0, callback),
    spacingMs: 10,
    write: (rows: FlatRows, done) => {
      writes.push(rows.filter((_, at) => at % 3 === 1).map(String));
      over = done;
    },
  });
  return {
    clock,
    group,
    writes,
    answers,
    commit: (...ids) =>
      group.commit(
        ids.map((id) => ({ table: "marks", id, value: 1 })),
        (problem) => answers.push(`${ids.join("+") || "-"} ${problem?.message ?? "kept"}`),
      ),
    written: (problem) => {
      const done = over;
      over = undefined;
      done?.(problem);
    },
  };
}

test("those of one turn are one write, answered in their order", () => {
  const { clock, writes, answers, commit, written } = disk();
  commit("a");
  commit("b", "c");
  commit();
  expect(writes).toEqual([]);
  clock.advance(0);
  expect(writes).toEqual([["a", "b", "c"]]);
  expect(answers).toEqual([]);
  written();
  expect(answers).toEqual(["a kept", "b+c kept", "- kept"]);
});

test("while one is under way the others gather, and wait until 10 ms after its beginning", () => {
  const { clock, writes, commit, written } = disk();
  commit("a");
  clock.advance(0);
  commit("b");
  clock.advance(3);
  written();
  commit("c");
  clock.advance(6);
  expect(writes).toEqual([["a"]]);
  clock.advance(1);
  expect(writes).toEqual([["a"], ["b", "c"]]);
});

test("one that takes longer is followed at once", () => {
  const { clock, writes, commit, written } = disk();
  commit("a");
  clock.advance(0);
  commit("b");
  clock.advance(50);
  expect(writes).toEqual([["a"]]);
  written();
  clock.advance(0);
  expect(writes).toEqual([["a"], ["b"]]);
});

test("those of a write that fails have all failed, and the next are tried", () => {
  const { clock, answers, commit, written } = disk();
  commit("a");
  commit("b");
  clock.advance(0);
  commit("c");
  written(new Error("full"));
  clock.advance(10);
  written();
  expect(answers).toEqual(["a full", "b full", "c kept"]);
});

test("no write for commits without rows", () => {
  const { clock, writes, answers, commit } = disk();
  commit();
  clock.advance(0);
  expect(writes).toEqual([]);
  expect(answers).toEqual(["- kept"]);
});

test("`idle` waits for no more company, and for all that is there", async () => {
  const { clock, group, writes, answers, commit, written } = disk();
  commit("a");
  clock.advance(0);
  commit("b");
  let isIdle = false;
  const idle = group.idle().then(() => {
    isIdle = true;
  });
  written();
  expect(writes).toEqual([["a"], ["b"]]);
  await Promise.resolve();
  expect(isIdle).toBe(false);
  written();
  await idle;
  expect(answers).toEqual(["a kept", "b kept"]);
});
