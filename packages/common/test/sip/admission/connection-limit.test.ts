// Connections beside the limit of open files.
import { expect, test } from "vitest";
import { openFilesLimit } from "../../../src/platform/open-files.ts";
import { withinOpenFiles } from "../../../src/sip/admission/connection-limit.ts";
import { type SipLimits, sipLimitSettings } from "../../../src/sip/admission/limits.ts";
import { memoryLogger } from "../../../src/testing/memory-logger.ts";

const limits = Object.fromEntries(
  Object.entries(sipLimitSettings).map(([name, setting]) => [name, setting.default]),
) as unknown as SipLimits;
const plain = { host: "127.0.0.1", port: 0 };
const webSocket = { ...plain, ws: { port: 1, securePort: undefined, origins: [] } };

test.each([
  ["unknown", undefined, [plain], 10_000, []],
  ["plenty", 1_048_576, [plain, webSocket], 10_000, []],
  ["just enough", 30_600, [plain, webSocket], 10_000, []],
  ["one too few", 30_599, [plain, webSocket], 9_999, ["info"]],
  ["few", 1_024, [plain], 424, ["warn"]],
  ["none at all", 100, [plain], 1, ["warn"]],
] as const)("open files, %s: %s", (_what, limit, sides, most, said) => {
  const log = memoryLogger();
  const used = withinOpenFiles(limits, { limit, http: 500, sides, log });
  expect(used.maxConnections).toBe(most);
  expect(log.events.map(({ level }) => level)).toEqual(said);
});

test("this system's own limit is a number or none", () => {
  expect(openFilesLimit() ?? 1).toBeGreaterThan(0);
});
