// The two sides of the node, and what all relaying needs of them.
import { formatChargingVector, newChargingVector } from "@ims-lab/common/ims/charging-vector";
import { isMalformed } from "@ims-lab/common/ims/credentials";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { SummedLines } from "@ims-lab/common/platform/summed-lines";
import type {
  Destination,
  Endpoint,
  Incoming,
  RequestSender,
} from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import { parseBracketed } from "@ims-lab/common/sip/message/name-addr";
import { isSip, parseUri, type SipUri } from "@ims-lab/common/sip/message/uri";
import type { Hop } from "@ims-lab/common/sip/proxy/known-hops";
import type { IsOwn } from "@ims-lab/common/sip/proxy/loop";
import type { ProxyCore } from "@ims-lab/common/sip/proxy/proxy";
import type { Side } from "@ims-lab/common/sip/proxy/record-route";
import { type Flow, formatHostPort, peerOf } from "@ims-lab/common/sip/transport/transport";
import type { Binding } from "../bindings/binding.ts";
import type { FlowTable } from "../bindings/flow-table.ts";
import type { Tokens } from "../bindings/token.ts";
import type { AccessHistory } from "../history.ts";
import { whyRefused } from "../outcome-words.ts";
import { type Problem, refusalOf } from "../outcomes.ts";
import type { SecurityAgreement } from "./option-tags.ts";
import { pathValue } from "./own-routes.ts";
import type { PrivateDialogs } from "./private-dialogs.ts";
import { credentialsFromUe } from "./ue-credentials.ts";

export interface RelayCounters {
  /** A Route that is not the stored Service-Route. */
  routeMismatch(): void;
  /** A header the UE had no business to send, by its name. */
  forged(header: string): void;
  /** A request that got nowhere, by the problem's kind. */
  refused(problem: string): void;
  register(outcome: string): void;
}

export interface RelaySettings {
  readonly securityAgreement: SecurityAgreement;
  readonly routeMismatch: "replace" | "reject";
  readonly visitedNetworkId: string;
  /** SIP URIs of S-CSCFs. */
  readonly scscf: readonly string[];
}

/** The part of the core side's endpoint that sends. */
export interface CoreSender extends RequestSender {
  sendStateless(message: SipMessage, to: Destination): void;
}

/** See `ScscfCluster`. */
export interface Cluster {
  /** Whether a URI with this host is for any of its nodes. */
  has(host: string): boolean;
  /** For requests of a binding's UE, and about it. */
  senderFor(binding: Binding | undefined): CoreSender;
  /** A request of the core that names this token. */
  heard(incoming: Incoming, token: string): void;
}

/** Everything the two relays share. */
export interface Relay {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly settings: RelaySettings;
  /** See `scscfUris`. */
  readonly scscfUris: ReadonlyMap<string, SipUri>;
  /** How a URI that several S-CSCFs share leads to one of them. */
  readonly cluster: Cluster;
  readonly counters: RelayCounters;
  readonly access: Endpoint;
  readonly core: Endpoint;
  readonly table: FlowTable;
  readonly tokens: Tokens;
  readonly calls: ProxyCore;
  readonly privateDialogs: PrivateDialogs;
  readonly history: AccessHistory;
  readonly lines: SummedLines;
  /** True when this source and cause have not been logged lately. */
  mayLog(key: string): boolean;
  /** Whether the core side listens to whoever is there: the peers of the settings. */
  knowsHop(hop: Hop): boolean;
  /** An S-CSCF said 503: it has too much to do. */
  corePressed(): void;
}

/** What was refused is counted each time, kept for people who ask, and logged: the first few, then their sum. */
export function noteRefusal(
  relay: Relay,
  side: "access" | "core",
  { request, flow }: Incoming,
  problem: Problem,
): void {
  const { kind: reason } = problem;
  relay.counters.refused(reason);
  const { method, callId } = request;
  const { status } = refusalOf(problem);
  const source = peerOf(flow);
  const { host } = flow.remote;
  const credentials = method === "REGISTER" ? credentialsFromUe(request) : undefined;
  const impi = isMalformed(credentials) ? undefined : credentials?.impi;
  const impu = (method === "REGISTER" ? request.to : request.from).uriText;
  const why = whyRefused(problem, request, formatHostPort(accessSide(relay, flow)));
  if (side === "access" || method === "REGISTER")
    relay.history.note({ impi, impu, source }, "refused", `${method} ${status}: ${why}`);
  const setting = reason === "untrusted-peer" ? "trustedPeers, or scscf" : undefined;
  const fields = { impi, impu, source, status, reason, why, method, callId, setting };
  const key = `${reason} ${impi ?? impu} ${host}`;
  relay.lines.say({ level: "info", event: `${side}.refused`, key, host, fields });
}

/** The answer goes on as it should have come; who sent it may want to know. @param from the UE's flow */
export function noteLostRoute(relay: Relay, incoming: Incoming, from: Flow | undefined): void {
  const { log, mayLog } = relay;
  const { method, callId } = incoming.request;
  const source = from?.id ?? "the core";
  if (!mayLog(`lost-route ${source}`)) return;
  log.warn("response.route-restored", {
    source,
    method,
    callId,
    what: "an answer without the Record-Route of its request: without it no later request would get through",
  });
}

/** Our addresses of both sides: a double Record-Route names one after the other. */
export function isOwnOf({ access, core }: Relay): IsOwn {
  return (host, port) => access.isOwn(host, port) || core.isOwn(host, port);
}

/** The S-CSCF for requests of nobody. */
export function firstScscf({ settings }: Relay): string {
  return settings.scscf[0] ?? "";
}

/** A URI out of a setting or a stored Service-Route: checked when it was taken. */
export function sipUriOf(text: string): SipUri | undefined {
  const uri = parseBracketed(text)?.uri ?? parseUri(text);
  return isSip(uri) ? uri : undefined;
}

/** The same where a setting's check or an earlier answer vouches for it. */
export function knownUri(text: string): SipUri {
  const uri = sipUriOf(text);
  if (uri === undefined) throw new Error(`no SIP URI where one was checked: ${text}`);
  return uri;
}

/** The S-CSCFs of the settings, read once: a binding's and a challenge's is one of them. */
export function scscfUris(scscfs: readonly string[]): ReadonlyMap<string, SipUri> {
  return new Map(scscfs.map((scscf) => [scscf, knownUri(scscf)]));
}

export function scscfUri({ scscfUris: known }: Relay, scscf: string): SipUri {
  return known.get(scscf) ?? knownUri(scscf);
}

/** What peers in the core call us. */
export function coreSide({ core }: Relay, uri: SipUri): Side {
  const { host, port = 5060, params } = uri;
  const named = params.get("transport")?.toLowerCase();
  const secured = uri.scheme === "sips" || named === "tls";
  const transport = secured ? "tls" : named === "tcp" ? "tcp" : "udp";
  return { ...core.advertised({ host, port }, transport), transport };
}

export function accessSide({ access }: Relay, { remote, transport }: Flow): Side {
  return { ...access.advertised(remote, transport), transport };
}

/** RFC 7315 §4.6: fresh with each request, but that of a dialog stays. @param host ours, as the core knows it @param icid of the dialog */
export function chargingVector({ random, settings }: Relay, { host }: Side, icid?: string): string {
  return formatChargingVector(newChargingVector(random, host, settings.visitedNetworkId, icid));
}

/** Our Path value for a binding whose S-CSCF is `scscf` (the core URI alone). */
export function pathUri(relay: Relay, token: string, scscf: SipUri): string {
  return pathValue(token, coreSide(relay, scscf));
}
