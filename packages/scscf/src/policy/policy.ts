// The S-CSCF's authentication policy from its settings. TS 24.229 §5.4.1.6.
import { AuthenticationPolicy } from "@ims-lab/common/ims/authentication-policy";
import type { ScscfConfig } from "../config.ts";

export function policyOf({ authentication, policy }: ScscfConfig): AuthenticationPolicy {
  return new AuthenticationPolicy([
    ...(authentication.onRefresh === "always" ? [{ kind: "refresh" } as const] : []),
    { kind: "methods", methods: policy.onMethods },
  ]);
}
