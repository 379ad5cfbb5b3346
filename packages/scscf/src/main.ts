// The S-CSCF as a process.
import { runNode } from "@ims-lab/common/platform/lifecycle";
import { settings } from "./config.ts";
import { startScscf } from "./start.ts";

await runNode(process, { ...settings, start: startScscf });
