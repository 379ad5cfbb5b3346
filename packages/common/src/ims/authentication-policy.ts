// Authentication policy of both CSCFs: rules by which a registered user is to authenticate now. TS 24.229 §5.4.1.6.

/** Rules as data; 0 ms in a setting means that there is no such rule. */
export type AuthenticationRule =
  /** The last authentication is that long ago. Milliseconds. */
  | { readonly kind: "max-age"; readonly ageMs: number }
  /** The user refreshes a binding over a protected association, which would pass unchallenged. */
  | { readonly kind: "refresh" }
  /** The user sends such a request out of a dialog: a chargeable event. */
  | { readonly kind: "methods"; readonly methods: readonly string[] }
  /** The device was accepted over another flow without a challenge. */
  | { readonly kind: "flow-replaced" }
  /** The connection to the device is gone, and not replaced for so long. Milliseconds. */
  | { readonly kind: "flow-lost"; readonly afterMs: number };

/** Something that a rule may be about. */
export type Occasion =
  | { readonly kind: "refresh" }
  | { readonly kind: "request"; readonly method: string }
  | { readonly kind: "flow-replaced" }
  | { readonly kind: "flow-lost"; readonly forMs: number }
  | { readonly kind: "time-passed"; readonly sinceAuthenticationMs: number };

export class AuthenticationPolicy {
  readonly #rules: readonly AuthenticationRule[];

  /** @param rules the first that applies wins */
  constructor(rules: readonly AuthenticationRule[]) {
    this.#rules = rules;
  }

  /** The rule by which the user is to authenticate; undefined: none applies. */
  fires(occasion: Occasion): AuthenticationRule | undefined {
    return this.#rules.find((rule) => applies(rule, occasion));
  }

  /** Milliseconds from the last authentication until `max-age` fires; undefined: never. */
  get maxAgeMs(): number | undefined {
    const ages = this.#rules.flatMap((rule) => (rule.kind === "max-age" ? rule.ageMs : []));
    return ages.length === 0 ? undefined : Math.min(...ages);
  }

  /** Milliseconds from the loss of a connection until `flow-lost` fires; undefined: never. */
  get flowLostMs(): number | undefined {
    const waits = this.#rules.flatMap((rule) => (rule.kind === "flow-lost" ? rule.afterMs : []));
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** Whether any rule is about requests. */
  get concernsRequests(): boolean {
    return this.#rules.some((rule) => rule.kind === "methods" && rule.methods.length > 0);
  }
}

function applies(rule: AuthenticationRule, occasion: Occasion): boolean {
  switch (rule.kind) {
    case "max-age":
      return occasion.kind === "time-passed" && occasion.sinceAuthenticationMs >= rule.ageMs;
    case "refresh":
      return occasion.kind === "refresh";
    case "methods":
      return occasion.kind === "request" && rule.methods.includes(occasion.method);
    case "flow-replaced":
      return occasion.kind === "flow-replaced";
    case "flow-lost":
      return occasion.kind === "flow-lost" && occasion.forMs >= rule.afterMs;
  }
}
