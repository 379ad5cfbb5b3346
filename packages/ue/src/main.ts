// The UE as a process: settings in, `ready` line out, until a signal. docs/operations.md.
import { runNode } from "@ims-lab/common/platform/lifecycle";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { ueSettings } from "./config.ts";
import { startUe } from "./start.ts";

await runNode(process, {
  ...ueSettings,
  start: (config, tools) => startUe(config, { ...tools, random: cryptoRandom() }),
});
