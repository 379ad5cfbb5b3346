// Output that is gathered: few writes, and no reader can hold its writer up.
import { beforeEach, describe, expect, it } from "vitest";
import {
  type GatheredOutput,
  gatheredOutput,
  type LineStream,
} from "../../src/platform/gathered-output.ts";
import { FAKE_EPOCH, FakeClock } from "../../src/testing/fake-clock.ts";

const MEBI = 1_048_576;

/** A pipe whose reader reads when the test says so. */
class Pipe implements LineStream {
  readonly writes: string[] = [];
  writableLength = 0;
  isRead = true;
  readonly #waiting: (() => void)[] = [];
  #onError: (error: Error) => void = () => undefined;

  write(text: string, written: () => void = () => undefined): void {
    if (text !== "") this.writes.push(text);
    if (this.isRead) {
      written();
      return;
    }
    this.writableLength += text.length;
    this.#waiting.push(written);
  }
  on(_event: "error", listener: (error: Error) => void): void {
    this.#onError = listener;
  }
  read(): void {
    this.writableLength = 0;
    for (const written of this.#waiting.splice(0)) written();
  }
  break(): void {
    this.#onError(new Error("EPIPE"));
  }
}

let clock: FakeClock;
let pipe: Pipe;
let output: GatheredOutput;

beforeEach(() => {
  clock = new FakeClock();
  pipe = new Pipe();
  output = gatheredOutput(pipe, clock);
});

describe("gathered output", () => {
  it("writes what came within 20 ms at once", () => {
    output.write("a\n");
    clock.advance(19);
    output.write("b\n");
    expect(pipe.writes).toEqual([]);
    clock.advance(1);
    expect(pipe.writes).toEqual(["a\nb\n"]);
    output.write("c\n");
    clock.advance(20);
    expect(pipe.writes).toEqual(["a\nb\n", "c\n"]);
  });

  it("does not wait for 20 ms when there are 8 192 characters", () => {
    output.write("x".repeat(8_191));
    expect(pipe.writes).toHaveLength(0);
    output.write("x");
    expect(pipe.writes).toHaveLength(1);
  });

  it("drops lines behind 8 MiB that nobody reads, and says how many", () => {
    pipe.isRead = false;
    output.write("x".repeat(8 * MEBI + 1));
    for (let line = 0; line < 3; line += 1) output.write("lost\n");
    expect(pipe.writes).toHaveLength(1);
    pipe.read();
    output.write("read again\n");
    clock.advance(20);
    expect(pipe.writes[1]).toBe(
      `{"level":"warn","time":${FAKE_EPOCH},"lines":3,"event":"log.lines-dropped"}\nread again\n`,
    );
  });

  it("is given up when its reader is gone", async () => {
    pipe.break();
    output.write("unheard\n");
    clock.advance(20);
    await output.flush();
    expect(pipe.writes).toEqual([]);
  });
});

describe("flushing", () => {
  it("is done at once when the stream takes everything", async () => {
    output.write("last words\n");
    await output.flush();
    expect(pipe.writes).toEqual(["last words\n"]);
    clock.advance(20);
    expect(pipe.writes).toHaveLength(1);
  });

  it("waits for a reader, 200 ms at most", async () => {
    pipe.isRead = false;
    let done = 0;
    const flushed = (): void => {
      done += 1;
    };
    output.write("last words\n");
    output.flush().then(flushed, () => undefined);
    await clock.advanceAsync(199);
    expect(done).toBe(0);
    await clock.advanceAsync(1);
    expect(done).toBe(1);

    output.flush().then(flushed, () => undefined);
    pipe.read();
    await clock.advanceAsync(0);
    expect(done).toBe(2);
  });
});
