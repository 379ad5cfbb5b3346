// `npm run demo` in all its variants: every figure's messages pass in order on real sockets.
import { describe, expect, test } from "vitest";
import { freePorts } from "./free-ports.ts";
import { run } from "./programs.ts";
import { mainOf } from "./running-lab.ts";

/** The lab's default ports as distances from the lowest, 4060: three of SIP, three of HTTP. */
const LOWEST = 4060;
const APART = [0, 1000, 2000, 5001, 5002, 5003];

const variants = (["core", "npm-sip"] as const).flatMap((stack) =>
  (["udp", "tcp"] as const).flatMap((transport) =>
    (["registration", "unlimited"] as const).flatMap((expires) =>
      (["seed", "ts24229"] as const).map((profile) => ({ stack, transport, expires, profile })),
    ),
  ),
);

// Two labs at a time: most of a run is waiting.
describe.concurrent("npm run demo exits 0", () => {
  test.each(variants)(
    "--stack $stack --transport $transport --expires $expires --profile $profile",
    async (variant) => {
      const [lowest = 0] = await freePorts(1, APART);
      const options = Object.entries(variant).flatMap(([name, value]) => [`--${name}`, value]);
      const args = [mainOf("lab"), "--demo", "--port-offset", String(lowest - LOWEST), ...options];
      const { exitCode, stdout, stderr } = await run(process.execPath, args, { seconds: 90 });
      expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: "" });
      expect(stdout).toContain("Figure 3: all ");
      const lines = stdout.trimEnd().split("\n");
      expect(lines.at(-1)).toMatch(/^PASS: /);
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      expect(stdout).toMatch(/✔ alice re-authenticated in \d+ ms/);
    },
  );
});
