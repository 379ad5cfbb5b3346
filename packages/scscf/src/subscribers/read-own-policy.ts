// A subscriber's own rules of the authentication policy, as the subscribers file has them.
import { type RuleDocument, ruleDocument } from "@ims-lab/common/ims/policy-document";
import { readRules } from "@ims-lab/common/ims/policy-reading";
import type { Place, Yaml } from "./checked-yaml.ts";

/** The rules are read again with the node's settings: only whether they can be is looked at here. */
const CONTEXT = { node: "scscf", freshMs: 0 } as const;

/** Undefined: he has none, or they are refused. */
export function readOwnPolicy(place: Place): readonly RuleDocument[] | undefined {
  if (place.isAbsent || place.value === undefined) return undefined;
  const { rules, problems } = readRules(typed(place.value), "", CONTEXT);
  for (const problem of problems) {
    const [found = problem, expected = "rules of which each can fire"] =
      problem.split(", expected ");
    place.refuse(expected, found);
  }
  const named = rules.findIndex(({ users }) => users !== undefined);
  if (named >= 0) place.refuse("no users: they are this subscriber's", `[${named}].users`);
  return problems.length > 0 || rules.length === 0 ? undefined : rules.map(ruleDocument);
}

/** Every scalar of the file is text; numbers are such where a rule wants one. */
function typed(value: Yaml, key = ""): unknown {
  if (typeof value === "string") {
    const isNumber = NUMBERS.has(key) && /^\d{1,12}(\.\d{1,9})?$/.test(value);
    return isNumber ? Number(value) : value;
  }
  if (Array.isArray(value)) return value.map((item: Yaml) => typed(item));
  const entries = Object.entries(value as { readonly [key: string]: Yaml });
  return Object.fromEntries(entries.map(([name, item]) => [name, typed(item, name)]));
}

const NUMBERS: ReadonlySet<string> = new Set([
  "maxAgeSeconds",
  "minAgeSeconds",
  "everyNth",
  "sampleRatio",
] satisfies readonly (keyof RuleDocument)[]);
