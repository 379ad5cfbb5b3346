// Text that strangers wrote, as a key of what is remembered of them: however long it is, little is kept.
import { hash } from "node:crypto";

/** What an honest peer's Call-ID and addresses come to, and more. */
const LONGEST_KEPT = 200;

/** The text itself, or its SHA-256 when it is long. */
export function boundedKey(text: string): string {
  return text.length > LONGEST_KEPT ? hash("sha256", text, "base64url") : text;
}
