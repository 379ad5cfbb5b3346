// Capabilities of a UE: methods, option tags and body types, for Allow, Supported, Accept and refusals. RFC 3261 §8.2, §11.2, §20.
import { REGINFO_TYPE } from "@ims-lab/common/ims/events";

type Headers = readonly (readonly [string, string])[];

export const METHODS = [
  "INVITE",
  "ACK",
  "CANCEL",
  "BYE",
  "UPDATE",
  "MESSAGE",
  "NOTIFY",
  "OPTIONS",
] as const;

/** Option tags: RFC 4028. */
export const EXTENSIONS = ["timer"] as const;

export const TEXT_TYPE = "text/plain";
export const SDP_TYPE = "application/sdp";

export const ALLOW: readonly [string, string] = ["Allow", METHODS.join(", ")];
export const SUPPORTED: readonly [string, string] = ["Supported", EXTENSIONS.join(", ")];

/** RFC 3261 §11.2: in the 200 to OPTIONS. */
export const OPTIONS_HEADERS: Headers = [
  ALLOW,
  ["Accept", [SDP_TYPE, TEXT_TYPE, REGINFO_TYPE, "multipart/mixed"].join(", ")],
  ["Accept-Encoding", "identity"],
  ["Accept-Language", "*"],
  SUPPORTED,
];
