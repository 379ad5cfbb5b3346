// P-Charging-Vector: what ties the charging records of one dialog, or of one transaction outside of any, together. RFC 7315 §4.6, §5.6.
import type { Random } from "../platform/random.ts";
import { Params } from "../sip/message/params.ts";
import { formatHost } from "../sip/message/uri.ts";

export interface ChargingVector {
  /** Unique for all time and all nodes. */
  readonly icid: string;
  /** Host that made it. */
  readonly generatedAt?: string | undefined;
  /** Inter-operator identifiers of the originating and the terminating network. */
  readonly origIoi?: string | undefined;
  readonly termIoi?: string | undefined;
}

/** @param icid default: 128 random bits, unique enough for all time */
export function newChargingVector(
  random: Random,
  host: string,
  network: string,
  icid: string = random.hex(16),
): ChargingVector {
  return { icid, generatedAt: host, origIoi: network };
}

/** Undefined when malformed or without icid-value. */
export function parseChargingVector(text: string): ChargingVector | undefined {
  const params = Params.parse(`;${text}`);
  const icid = params?.get("icid-value");
  if (params === undefined || icid === undefined || icid === "") return undefined;
  return {
    icid,
    generatedAt: params.get("icid-generated-at")?.replace(/^\[|\]$/g, ""),
    origIoi: params.get("orig-ioi"),
    termIoi: params.get("term-ioi"),
  };
}

/** Values of `newChargingVector`, all of the same host and network: what they share is written once. */
export function chargingVectorsOf(random: Random, host: string, network: string): () => string {
  const rest = formatRest({ generatedAt: host, origIoi: network });
  return () => `icid-value="${random.hex(16)}"${rest}`;
}

/** The header's value; the identifiers quoted, as deployed peers do. */
export function formatChargingVector(vector: ChargingVector): string {
  return `icid-value="${vector.icid}"${formatRest(vector)}`;
}

function formatRest({ generatedAt, origIoi, termIoi }: Omit<ChargingVector, "icid">): string {
  let text = "";
  if (generatedAt !== undefined) text += `;icid-generated-at=${formatHost(generatedAt)}`;
  if (origIoi !== undefined) text += `;orig-ioi="${origIoi}"`;
  if (termIoi !== undefined) text += `;term-ioi="${termIoi}"`;
  return text;
}
