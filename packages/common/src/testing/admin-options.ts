// Options of an admin server as a test has it: open to loopback, ready, and silent where no log is given.
import type { AdminServerOptions, HttpSettings } from "../platform/http.ts";
import { nullLogger } from "../platform/logger.ts";
import { createMetrics } from "../platform/metrics.ts";

export function adminOptions(
  node: string,
  settings: Partial<HttpSettings> = {},
  others: Partial<Pick<AdminServerOptions, "log" | "ready">> = {},
): AdminServerOptions {
  return {
    settings: {
      host: "127.0.0.1",
      port: 0,
      token: undefined,
      tokenFile: undefined,
      names: [],
      maxBodyBytes: 10_000,
      maxConnections: 100,
      requestSeconds: 30,
      ...settings,
    },
    log: nullLogger,
    node,
    version: "1",
    metrics: createMetrics({ node: "scscf", processFigures: false }),
    ready: () => true,
    ...others,
  };
}
