// P-Charging-Vector: what ties the charging records of one transaction together. RFC 7315 §4.6, §5.6.
import type { Random } from "../platform/random.ts";
import { Params } from "../sip/message/params.ts";

export interface ChargingVector {
  /** Unique for all time and all nodes. */
  readonly icid: string;
  /** Host that made it. */
  readonly generatedAt?: string | undefined;
  /** Inter-operator identifiers of the originating and the terminating network. */
  readonly origIoi?: string | undefined;
  readonly termIoi?: string | undefined;
}

/** 128 random bits are unique enough for all time. */
export function newChargingVector(random: Random, host: string, network: string): ChargingVector {
  return { icid: random.hex(16), generatedAt: host, origIoi: network };
}

/** Undefined when malformed or without icid-value. */
export function parseChargingVector(text: string): ChargingVector | undefined {
  const params = Params.parse(`;${text}`);
  const icid = params?.get("icid-value");
  if (params === undefined || icid === undefined || icid === "") return undefined;
  return {
    icid,
    generatedAt: params.get("icid-generated-at"),
    origIoi: params.get("orig-ioi"),
    termIoi: params.get("term-ioi"),
  };
}

/** The header's value; the identifiers quoted, as deployed peers do. */
export function formatChargingVector(vector: ChargingVector): string {
  const { icid, generatedAt, origIoi, termIoi } = vector;
  const at = generatedAt?.includes(":") ? `[${generatedAt}]` : generatedAt;
  const parts = [
    `icid-value="${icid}"`,
    ...(at === undefined ? [] : [`icid-generated-at=${at}`]),
    ...(origIoi === undefined ? [] : [`orig-ioi="${origIoi}"`]),
    ...(termIoi === undefined ? [] : [`term-ioi="${termIoi}"`]),
  ];
  return parts.join(";");
}
