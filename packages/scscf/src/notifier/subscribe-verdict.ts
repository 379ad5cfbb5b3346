// The answer to a SUBSCRIBE to one of our packages, and the owner of the subscription. TS 24.229 §5.4.2.1.1.
import { isRegistrationPackage } from "@ims-lab/common/ims/events";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { SubscribeVerdict } from "@ims-lab/common/sip/event/notifier-agent";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import { EventHeader, Expires } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { RequestOrigin } from "../origin.ts";
import { isRefusal, type Refusal } from "../outcomes.ts";
import { type AdmissionRules, admit, type Watching } from "./admission.ts";
import { type GrantPolicy, grantToDevice, grantToWatcher } from "./grants.ts";
import { memoOf } from "./subscription-owner.ts";

export interface VerdictRules extends AdmissionRules {
  readonly clock: Clock;
  readonly grants: GrantPolicy;
}

export function judgeSubscribe(
  rules: VerdictRules,
  request: SipRequest,
  origin: RequestOrigin,
  existing: NotifierSubscription | undefined,
): SubscribeVerdict | Refusal {
  const watching = admit(rules, request, origin, existing);
  if (isRefusal(watching)) return watching;
  const eventPackage = request.get(EventHeader)?.value ?? "";
  if (!isRegistrationPackage(eventPackage)) throw new Error("a package that is not served");
  const asked = request.get(Expires);
  const expires =
    watching.who === "device"
      ? grantToDevice(rules.grants, eventPackage, asked, secondsLeft(rules, watching))
      : grantToWatcher(eventPackage, asked);
  return {
    kind: "grant",
    expires,
    subject: watching.set,
    memo: existing?.memo ?? memoOf(watching.who, watching.binding?.token),
    contact: `<${origin.scheme}:${origin.self}>`,
  };
}

function secondsLeft({ bindingsOf, clock }: VerdictRules, { set, binding }: Watching): number {
  const bindings = binding === undefined ? bindingsOf(set) : [binding];
  const end = Math.max(...bindings.map(({ expiresAt }) => expiresAt));
  return Math.max(1, Math.ceil((end - clock.now()) / 1000));
}
