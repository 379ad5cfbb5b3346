// Faults of the NOTIFYs that devices get: documents, headers, number. RFC 3680 §5, RFC 6665 §4.1.3.
import type { FaultValues, ScscfFaultName } from "@ims-lab/common/admin-api/faults";
import type { SendingFault } from "@ims-lab/common/faults/message-faults";
import { Contact } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { ScscfFaultTools } from "./fault-tools.ts";
import * as documents from "./spoilt-documents.ts";

/** A NOTIFY that has been spoilt; undefined: there is nothing in it for this fault. */
type Edit = (notify: SipRequest, values: FaultValues) => SipRequest | undefined;

export function notifyFaults(tools: ScscfFaultTools): readonly SendingFault<ScscfFaultName>[] {
  return [
    // Before those that count versions: what is asked twice is the same document.
    edited(tools, "reginfo-same-version", inDocument(sameVersion())),
    versionGap(tools),
    edited(tools, "reginfo-unknown-namespace", inDocument(documents.withUnknownNamespace)),
    edited(tools, "active-for-terminated", activeForTerminated),
    edited(tools, "trigger-other-contact", inDocument(documents.withOtherContact)),
    edited(tools, "trigger-without-callid", inDocument(documents.withoutCallId)),
    edited(tools, "notify-wrong-from-to", wrongFromTo),
    twice(tools),
  ];
}

/** What a fault makes of one document; undefined: nothing in it is to be spoilt. */
type DocumentEdit = (text: string, values: FaultValues, notify: SipRequest) => string | undefined;

function edited(
  tools: ScscfFaultTools,
  name: ScscfFaultName,
  edit: Edit,
): SendingFault<ScscfFaultName> {
  const { switches } = tools;
  return {
    name,
    pass(next, request, handlers) {
      const set = tools.toldSet(request);
      const values = set === undefined ? undefined : switches.look(name, set);
      const spoilt = values && edit(request, values);
      if (spoilt !== undefined && set !== undefined) switches.take(name, set);
      next(spoilt ?? request, handlers);
    },
  };
}

function inDocument(edit: DocumentEdit): Edit {
  return (notify, values) => {
    const text = edit(notify.body.toString("utf8"), values, notify);
    return text === undefined ? undefined : withDocument(notify, text);
  };
}

function withDocument(notify: SipRequest, text: string): SipRequest {
  return notify.clone().setBody(Buffer.from(text, "utf8"), notify.text("Content-Type") ?? "");
}

/** Dialogs that are remembered; the oldest is forgotten first. */
const MOST_DIALOGS = 10_000;

/** By Call-ID of a subscription. */
class DialogNumbers {
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#numbers.size;
  }

  get({ callId }: SipRequest): number | undefined {
    return this.#numbers.get(callId);
  }

  set({ callId }: SipRequest, number: number): void {
    const [oldest] = this.#numbers.keys();
    if (oldest !== undefined && this.#numbers.size >= MOST_DIALOGS) this.#numbers.delete(oldest);
    this.#numbers.set(callId, number);
  }

  forget({ callId }: SipRequest): void {
    this.#numbers.delete(callId);
  }
}

/** RFC 3680 §5.2: a version that is not higher is to be discarded. The first one cannot repeat any. */
function sameVersion(): DocumentEdit {
  const repeated = new DialogNumbers();
  return (text, _values, notify) => {
    const version = documents.versionOf(text);
    if (version === undefined || version === 0) return undefined;
    const before = repeated.get(notify) ?? version - 1;
    repeated.set(notify, before);
    return documents.withVersion(text, before);
  };
}

/** What has jumped stays ahead: when the fault is off, versions go on rising from there until the subscription ends. */
function versionGap(tools: ScscfFaultTools): SendingFault<ScscfFaultName> {
  const { switches } = tools;
  const ahead = new DialogNumbers();
  const name = "reginfo-version-gap";
  return {
    name,
    get lingers() {
      return ahead.size > 0;
    },
    pass(next, request, handlers) {
      const set = tools.toldSet(request);
      const text = request.body.toString("utf8");
      const version = documents.versionOf(text);
      // The first NOTIFY of a subscription is ahead of nothing.
      if (set === undefined || version === undefined || version === 0) {
        next(request, handlers);
        return;
      }
      const jump = Number(switches.look(name, set)?.["by"] ?? 0);
      const offset = (ahead.get(request) ?? 0) + jump;
      if (isLast(request)) ahead.forget(request);
      else if (offset > 0) ahead.set(request, offset);
      if (jump > 0) switches.take(name, set);
      const jumped = documents.withVersion(text, version + offset);
      next(offset === 0 ? request : withDocument(request, jumped), handlers);
    },
  };
}

function isLast(notify: SipRequest): boolean {
  return /^terminated\b/i.test(notify.text("Subscription-State") ?? "");
}

function activeForTerminated(notify: SipRequest, values: FaultValues): SipRequest | undefined {
  if (values["where"] === "registration") {
    const text = documents.withActiveRegistrations(notify.body.toString("utf8"));
    return text === undefined ? undefined : withDocument(notify, text);
  }
  return isLast(notify)
    ? notify.clone().set("Subscription-State", "active;expires=3600")
    : undefined;
}

/** RFC 3261 §12.2.2 has a dialog told by its tags; devices that compare URIs are told apart. */
function wrongFromTo(notify: SipRequest): SipRequest {
  const { from, to } = notify;
  const contact = notify.get(Contact);
  const self = contact === undefined || contact === "*" ? "sip:nobody.invalid" : contact.uriText;
  const tagged = (uri: string, tag: string | undefined): string =>
    tag === undefined ? `<${uri}>` : `<${uri}>;tag=${tag}`;
  return notify
    .clone()
    .set("From", tagged(self, from.params.get("tag")))
    .set("To", tagged(notify.uri, to.params.get("tag")));
}

/** The second one is a request of its own with the CSeq of the first; what it is answered counts for nothing. */
function twice(tools: ScscfFaultTools): SendingFault<ScscfFaultName> {
  const { switches, clock } = tools;
  const name = "notify-twice";
  return {
    name,
    pass(next, request, handlers) {
      const set = tools.toldSet(request);
      const values = set === undefined ? undefined : switches.take(name, set);
      const again = values && request.clone();
      next(request, handlers);
      if (values === undefined || again === undefined) return;
      const unheard = { onResponse: () => undefined, onFailure: () => undefined };
      clock.after(Number(values["afterMilliseconds"]), () => next(again, unheard));
    },
  };
}
