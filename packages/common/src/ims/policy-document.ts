// Policy documents of both CSCFs: rules as people write them in YAML or JSON, and a policy written back as one.
import type { AuthenticationRule, RequestOutcome } from "./authentication-policy.ts";

/** One rule: exactly one condition, and what narrows it. */
export interface RuleDocument {
  /** Stands in the cause `policy:<name>`; the condition's own word where nothing else is said. */
  readonly name?: string;
  /** StarPattern of private or public identities. */
  readonly users?: string;
  readonly maxAgeSeconds?: number | "never";
  readonly onMethods?: readonly string[];
  readonly onRefresh?: Demand;
  readonly onContactChange?: Demand;
  readonly onPcscfRequest?: Demand;
  readonly onFlowReplaced?: Demand;
  readonly flowLostSeconds?: number | "never";
  readonly minAgeSeconds?: number;
  readonly everyNth?: number;
  readonly sampleRatio?: number;
  /** `exempt`: nobody is asked, and later rules are not looked at. */
  readonly outcome?: RequestOutcome | "exempt";
}

type Demand = "always" | "never";

export interface PolicyDocument {
  /** Users asked by `maxAgeSeconds` a second, at most. */
  readonly pacePerSecond?: number;
  readonly rules: readonly RuleDocument[];
}

/** A policy as data: what a node evaluates. */
export interface AuthenticationPolicy {
  readonly pacePerSecond: number;
  readonly rules: readonly AuthenticationRule[];
}

/** Each CSCF has the conditions that it can see. */
export type PolicyNode = "scscf" | "pcscf";

export const SAMPLING = ["minAgeSeconds", "everyNth", "sampleRatio"] as const;
export type ConditionWord =
  | "maxAgeSeconds"
  | "onMethods"
  | "onRefresh"
  | "onContactChange"
  | "onPcscfRequest"
  | "onFlowReplaced"
  | "flowLostSeconds";

/** Conditions, and the keys that narrow each. */
export const CONDITIONS: Readonly<Record<ConditionWord, readonly (keyof RuleDocument)[]>> = {
  maxAgeSeconds: [],
  onMethods: [...SAMPLING, "outcome"],
  onRefresh: SAMPLING,
  onContactChange: SAMPLING,
  onPcscfRequest: SAMPLING,
  onFlowReplaced: ["minAgeSeconds"],
  flowLostSeconds: ["minAgeSeconds"],
};

export const CONDITIONS_OF: Readonly<Record<PolicyNode, readonly ConditionWord[]>> = {
  scscf: ["maxAgeSeconds", "onMethods", "onRefresh", "onContactChange", "onPcscfRequest"],
  pcscf: ["maxAgeSeconds", "onFlowReplaced", "flowLostSeconds"],
};

export const RULE_KEYS: readonly (keyof RuleDocument)[] = [
  "name",
  "users",
  "outcome",
  ...SAMPLING,
  ...CONDITIONS_OF.scscf,
  ...CONDITIONS_OF.pcscf,
];

/** The document that is read as this policy. */
export function policyDocument({ pacePerSecond, rules }: AuthenticationPolicy): PolicyDocument {
  return { pacePerSecond, rules: rules.map(ruleDocument) };
}

export function ruleDocument(rule: AuthenticationRule): RuleDocument {
  const { name, users, minAgeMs, everyNth, sampleRatio, isExemption } = rule;
  const condition = conditionDocument(rule, isExemption === true);
  return {
    ...(name !== Object.keys(condition)[0] && { name }),
    ...(users !== undefined && { users: users.text }),
    ...condition,
    ...(minAgeMs !== undefined && { minAgeSeconds: minAgeMs / 1000 }),
    ...(everyNth !== undefined && { everyNth }),
    ...(sampleRatio !== undefined && { sampleRatio }),
  };
}

function conditionDocument(rule: AuthenticationRule, never: boolean): RuleDocument {
  const demand = never ? "never" : "always";
  switch (rule.kind) {
    case "max-age":
      return { maxAgeSeconds: never ? "never" : rule.ageMs / 1000 };
    case "flow-lost":
      return { flowLostSeconds: never ? "never" : rule.afterMs / 1000 };
    case "methods": {
      const outcome = never ? "exempt" : rule.outcome;
      return { onMethods: rule.methods, ...(outcome !== "proceed" && { outcome }) };
    }
    case "refresh":
      return { onRefresh: demand };
    case "contact-change":
      return { onContactChange: demand };
    case "pcscf-request":
      return { onPcscfRequest: demand };
    case "flow-replaced":
      return { onFlowReplaced: demand };
  }
}
