// `imslab` run in this process against nodes that answer as a test says.
import { setImmediate as eventsHandled } from "node:timers/promises";
import { NODE_HEADER } from "@ims-lab/common/platform/http";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import type { CommandContext } from "../../src/cli/command.ts";
import { imslab } from "../../src/cli/imslab.ts";

const NODES: Readonly<Record<string, string>> = { 9061: "P-CSCF", 9062: "S-CSCF", 9063: "UE" };

export interface Answer {
  readonly status: number;
  /** As JSON. */
  readonly body: unknown;
  /** As it is, instead. */
  readonly text?: string;
}
export const ok = (body: unknown): Answer => ({ status: 200, body });
/** Runs `imslab`; each request takes the next answer of its line, the last one again and again. */
export async function run(
  argv: readonly string[],
  nodes: Readonly<Record<string, readonly Answer[]>> = {},
  environment: { env?: Record<string, string>; isTTY?: boolean } = {},
): Promise<{
  code: number;
  out: string;
  err: string;
  requests: string[];
  bodies: unknown[];
  tokens: Set<string>;
}> {
  const clock = new FakeClock();
  const requests: string[] = [];
  const bodies: unknown[] = [];
  const tokens = new Set<string>();
  const served = new Map<string, number>();
  let [out, err] = ["", ""];
  const terminal: CommandContext = {
    env: { COLUMNS: "200", ...environment.env },
    clock,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text), isTTY: environment.isTTY ?? false },
    fetch: (input, init) => {
      const line = `${init?.method} ${String(input)}`;
      requests.push(line);
      if (typeof init?.body === "string") bodies.push(JSON.parse(init.body));
      tokens.add(new Headers(init?.headers).get("authorization") ?? "none");
      const short = line.replace("http://127.0.0.1:9062", "").replace("http://127.0.0.1", "");
      const answers = nodes[short];
      if (answers === undefined) return Promise.reject(new TypeError(`no answer for ${short}`));
      const turn = served.get(short) ?? 0;
      served.set(short, turn + 1);
      const answer = answers[Math.min(turn, answers.length - 1)];
      const name = NODES[new URL(String(input)).port];
      const headers: Record<string, string> = name === undefined ? {} : { [NODE_HEADER]: name };
      return Promise.resolve(
        new Response(answer?.text ?? JSON.stringify(answer?.body), {
          status: answer?.status ?? 500,
          headers,
        }),
      );
    },
  };
  let code: number | undefined;
  const done = imslab(argv, terminal).then((value) => {
    code = value;
  });
  for (let turn = 0; turn < 2000 && code === undefined; turn++) {
    await eventsHandled();
    await clock.advanceAsync(250);
  }
  await done;
  return { code: code ?? -1, out, err, requests, bodies, tokens };
}
