// The setting `faults`: what a node begins with. docs/faults.md.
import type { FaultCatalogue } from "../admin-api/faults.ts";
import { SettingError } from "../platform/config/error.ts";
import { type Setting, texts } from "../platform/settings.ts";
import { type FaultOrder, isFaultProblem, parseFaultText } from "./fault-order.ts";
import type { FaultSwitches } from "./fault-switches.ts";

export function faultSetting(): Setting<readonly string[]> {
  return texts({
    doc: "Faults to begin with, each NAME[;times=N][;impu=IMPU][;PARAMETER=VALUE]; imslab fault list names them.",
    allowed: "a list of NAME[;times=N][;impu=IMPU][;PARAMETER=VALUE]",
    accepts: (written) => written.length > 0,
    default: [],
  });
}

/** What is wrong with the setting; none: nothing. */
export function impossibleFaults<Name extends string>(
  catalogue: FaultCatalogue<Name>,
  setting: readonly string[],
): readonly { readonly key: string; readonly allowed: string }[] {
  const read = setting.map((text) => parseFaultText(catalogue, text));
  return read.flatMap((one) =>
    isFaultProblem(one) ? [{ key: "faults", allowed: `other faults: ${one.detail}` }] : [],
  );
}

/** Switches on what the setting says. Throws SettingError for somebody who is nobody here, or cannot have it. */
export function beginWithFaults<Name extends string>(
  switches: FaultSwitches<Name>,
  catalogue: FaultCatalogue<Name>,
  setting: readonly string[],
): void {
  for (const text of setting) {
    const read = parseFaultText(catalogue, text);
    const refused = isFaultProblem(read)
      ? read
      : switches.order(read as readonly FaultOrder<Name>[]);
    if (refused !== undefined)
      throw new SettingError("faults", text, `another one: ${refused.detail}`);
  }
}
