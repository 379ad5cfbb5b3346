// The registration document of a NOTIFY. RFC 3680 §5; TS 24.229 §5.4.2.1.2; docs/events.md.
import { hash } from "node:crypto";
import { DEREGISTRATIONS } from "@ims-lab/common/ims/events";
import type {
  ContactEvent,
  ReginfoContact,
  ReginfoRegistration,
} from "@ims-lab/common/ims/reginfo";
import { Params } from "@ims-lab/common/sip/message/params";
import { parseQvalue } from "@ims-lab/common/sip/message/scan";
import type { Binding, RemovalCause } from "../registration/binding.ts";
import { isShortened } from "../registration/binding-machine.ts";

/** A contact that is no more, told once. */
export interface GoneContact {
  readonly binding: Binding;
  readonly cause: RemovalCause;
}

export interface DocumentContent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly aors: readonly string[];
  readonly bindings: readonly Binding[];
  readonly gone?: readonly GoneContact[];
  /** The device that this very NOTIFY asks, and when its binding will expire. */
  readonly announced?: { readonly token: string; readonly until: number };
  /** A device that is told of its re-authentication in another package. */
  readonly notShortenedFor?: string;
  /** Identities that the devices have no more. */
  readonly ended?: readonly string[];
  /** Only this binding's row (partial state). */
  readonly only?: string;
}

export function registrationsOf(content: DocumentContent): readonly ReginfoRegistration[] {
  const { aors, bindings, gone = [], only, ended = [] } = content;
  const shown = only === undefined ? bindings : bindings.filter(({ token }) => token === only);
  const state = bindings.length > 0 ? ("active" as const) : ("terminated" as const);
  const live = aors.map((aor) => ({
    aor,
    id: registrationId(aor),
    state,
    contacts: [
      ...shown.map((binding) => activeRow(binding, aor, content)),
      ...gone.map((row) => goneRow(row, content.at)),
    ],
  }));
  const over = ended.map((aor) => ({
    aor,
    id: registrationId(aor),
    state: "terminated" as const,
    contacts: bindings.map((binding) =>
      goneRow({ binding, cause: { kind: "rejected" } }, content.at),
    ),
  }));
  return [...live, ...over];
}

/** Constant for an AoR, after a restart too (RFC 3680 §5.1.1). */
function registrationId(aor: string): string {
  return hash("md5", aor).slice(0, 12);
}

function activeRow(binding: Binding, aor: string, content: DocumentContent): ReginfoContact {
  // What has been answered meanwhile is not asked any more.
  const isAsked =
    content.announced?.token === binding.token && binding.reauthentication !== undefined;
  const announced = isAsked ? content.announced?.until : undefined;
  const until = Math.min(binding.expiresAt, announced ?? binding.expiresAt);
  const isDue = isAsked || isShortened(binding);
  const asks = isDue && content.notShortenedFor !== binding.token;
  return {
    ...row(binding, content.at),
    state: "active",
    event: asks ? "shortened" : lastEvent(binding, aor),
    expires: Math.max(0, Math.ceil((until - content.at) / 1000)),
  };
}

/** The explicitly registered identity is `registered`, those of its set `created` (TS 24.229). */
function lastEvent(binding: Binding, aor: string): ContactEvent {
  if (binding.event === "refreshed") return "refreshed";
  return aor === binding.impu ? "registered" : "created";
}

function goneRow({ binding, cause }: GoneContact, at: number): ReginfoContact {
  return {
    ...row(binding, at),
    state: "terminated",
    event: DEREGISTRATIONS[cause.kind].contactEvent,
    expires: 0,
    ...(cause.kind === "probation" && { retryAfter: cause.retryAfterSeconds }),
  };
}

type Row = Omit<ReginfoContact, "state" | "event">;

/** `callid` and `cseq` always: the UE obeys once per (contact id, callid, cseq). */
function row({ id, address, callId, cseq, registeredAt }: Binding, at: number): Row {
  const params = address.params === "" ? undefined : Params.parse(address.params);
  const q = params && parseQvalue(params.get("q") ?? "");
  const unknownParams = unknownParamsOf(params);
  return {
    id,
    uri: address.contact,
    ...(address.displayName !== undefined && { displayName: address.displayName }),
    durationRegistered: Math.max(0, Math.floor((at - registeredAt) / 1000)),
    ...(q !== undefined && { q }),
    callId,
    cseq,
    ...(unknownParams.length > 0 && { unknownParams }),
  };
}

function unknownParamsOf(params: Params | undefined): readonly { name: string; value: string }[] {
  if (params === undefined) return [];
  return [...params.entries()]
    .filter(([name]) => name !== "q" && name !== "expires")
    .map(([name, value]) => ({ name, value }));
}
