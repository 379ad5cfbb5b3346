// RFC 4475's messages, byte-exact, with the behaviour that index.json expects of them.
import { readFileSync } from "node:fs";

export interface TortureMessage {
  readonly name: string;
  readonly file: string;
  readonly section: string;
  readonly type: "request" | "response";
  readonly validity: "valid" | "invalid";
  readonly responseCodes: readonly number[];
  readonly action?: "accept" | "discard";
  readonly expected: string;
}

const folder = new URL(".", import.meta.url);

export const tortureMessages: readonly TortureMessage[] = (
  JSON.parse(readFileSync(new URL("index.json", folder), "utf8")) as { messages: TortureMessage[] }
).messages;

export function tortureBytes(message: TortureMessage): Buffer {
  return readFileSync(new URL(message.file, folder));
}
