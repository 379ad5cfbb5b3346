// Tokens in our own URIs: one names a binding (RFC 3327 Path), one ties a dialog to it (RFC 5626 §5.2); and a dialog's icid.
import { timingSafeEqual } from "node:crypto";
import { hmacSha256 } from "@ims-lab/common/sip/auth/hmac";

/** What only this node can make and check; valid as the user part of a SIP URI. */
export interface Tokens {
  /** The same for the same binding whatever flow it uses, unguessable without the key. */
  ofBinding(impi: string, device: string): string;
  /** For Record-Route: good with this Call-ID and tag only. @param tag the From tag of what makes the dialog */
  ofDialog(binding: string, callId: string, tag: string): string;
  /** For P-Charging-Vector: the same in every request of a dialog (RFC 7315 §4.6). */
  icidOf(callId: string): string;
  /**
   * The binding a Record-Route token of ours names; undefined when it is not ours, or of another dialog.
   * @param tags those of From and To: one of them made the dialog
   */
  bindingOf(token: string, callId: string, tags: readonly string[]): string | undefined;
}

/** Characters of base64url, 6 bits each. */
const TOKEN_LENGTH = 22;
const MAC_LENGTH = 16;

/** @param key at least 16 octets; tokens are worth nothing to a node with another key. */
export function createTokens(key: Buffer): Tokens {
  const hmac = hmacSha256(key);
  // Lengths in front keep ("ab", "c") and ("a", "bc") apart.
  const digest = (kind: string, a: string, b: string, length: number): string =>
    hmac(`${kind}${a.length}:${a}${b}`).slice(0, length);
  const ofDialog = (binding: string, callId: string, tag: string): string =>
    `${binding}.${digest("d", `${binding}${callId.length}:${callId}`, tag, MAC_LENGTH)}`;
  return {
    ofBinding: (impi, device) => digest("b", impi, device, TOKEN_LENGTH),
    ofDialog,
    icidOf: (callId) => digest("i", callId, "", TOKEN_LENGTH),
    bindingOf(token, callId, tags) {
      const dot = token.indexOf(".");
      const binding = token.slice(0, Math.max(dot, 0));
      const isOurs = tags.some((tag) => sameText(token, ofDialog(binding, callId, tag)));
      return isOurs ? binding : undefined;
    },
  };
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, "latin1"), Buffer.from(b, "latin1")];
  return left.length === right.length && timingSafeEqual(left, right);
}
