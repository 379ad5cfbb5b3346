// The setting `networkFaults` of each node: rules for what becomes of messages that leave it. docs/faults.md.
import { type Setting, texts } from "../platform/settings.ts";
import { isRuleProblem, parseNetworkSetting } from "./network-rule.ts";

export function networkFaultSetting(): Setting<readonly string[]> {
  return texts({
    doc: "What becomes of messages that leave here: drop|delay|duplicate|reorder WHAT FROM>TO [N|N-M|*] [TIME].",
    allowed: 'a list of rules such as "drop NOTIFY S>P 1"',
    accepts: (written) => written.length > 0,
    default: [],
  });
}

/** What is wrong with the setting; none: nothing. */
export function impossibleNetworkFaults(
  setting: readonly string[],
): readonly { readonly key: string; readonly allowed: string }[] {
  return setting.flatMap((written) => {
    const rule = parseNetworkSetting(written);
    const why = isRuleProblem(rule)
      ? rule.problem
      : rule.figure === undefined
        ? undefined
        : `@figure${rule.figure}: npm start plays the figures, a node counts from its start`;
    return why === undefined ? [] : [{ key: "networkFaults", allowed: `other rules: ${why}` }];
  });
}
