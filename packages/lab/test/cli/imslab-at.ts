// `imslab` run in this process against admin interfaces that have no socket.
import type { adminServer } from "@ims-lab/common/platform/http";
import type { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { imslab } from "../../src/cli/imslab.ts";

export type AdminServer = Awaited<ReturnType<typeof adminServer>>;

/** @param apps by port, e.g. 9062 the S-CSCF's */
export async function imslabAt(
  apps: Readonly<Record<string, AdminServer>>,
  { clock, columns = 200 }: { readonly clock: FakeClock; readonly columns?: number },
  argv: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ["", ""];
  const code = await imslab(argv, {
    env: { COLUMNS: String(columns) },
    clock,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    fetch: async (input, { method = "GET", headers, body } = {}) => {
      const { port, pathname, search } = new URL(String(input));
      const answer = await apps[port]?.inject({
        method: method as "GET",
        url: pathname + search,
        headers: { ...(headers as Record<string, string>), host: "127.0.0.1" },
        ...(typeof body === "string" && { payload: body }),
      });
      if (answer === undefined) throw new TypeError(`nobody at ${String(input)}`);
      const kept = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
      return new Response(answer.body, {
        status: answer.statusCode,
        headers: kept as [string, string][],
      });
    },
  });
  return { code, out, err };
}
