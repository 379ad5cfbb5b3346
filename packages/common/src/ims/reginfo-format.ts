// Writes reginfo documents, valid against the schema of RFC 3680 §5.4.
import {
  NAMESPACE,
  type Reginfo,
  type ReginfoContact,
  type ReginfoRegistration,
} from "./reginfo-document.ts";

type Attribute = readonly [name: string, value: string | number | undefined];

/** The document as text, to be encoded as UTF-8. */
export function formatReginfo(document: Reginfo): string {
  const attributes = format([
    ["xmlns", NAMESPACE],
    ["version", document.version],
    ["state", document.state],
  ]);
  const registrations = document.registrations.map(formatRegistration).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<reginfo${attributes}>\n${registrations}</reginfo>\n`;
}

function formatRegistration(registration: ReginfoRegistration): string {
  const attributes = format([
    ["aor", registration.aor],
    ["id", registration.id],
    ["state", registration.state],
  ]);
  const contacts = registration.contacts.map(formatContact).join("");
  return `<registration${attributes}>\n${contacts}</registration>\n`;
}

function formatContact(contact: ReginfoContact): string {
  const attributes = format([
    ["id", contact.id],
    ["state", contact.state],
    ["event", contact.event],
    ["duration-registered", contact.durationRegistered],
    ["expires", contact.expires],
    ["retry-after", contact.retryAfter],
    ["q", contact.q],
    ["callid", contact.callId],
    ["cseq", contact.cseq],
  ]);
  const { displayName, unknownParams = [] } = contact;
  const name =
    displayName === undefined ? "" : `<display-name>${escapeXml(displayName)}</display-name>`;
  const params = unknownParams
    .map(
      (param) =>
        `<unknown-param name="${escapeXml(param.name)}">${escapeXml(param.value)}</unknown-param>`,
    )
    .join("");
  return `<contact${attributes}><uri>${escapeXml(contact.uri)}</uri>${name}${params}</contact>\n`;
}

function format(attributes: readonly Attribute[]): string {
  let text = "";
  for (const [name, value] of attributes)
    if (value !== undefined)
      text += ` ${name}="${typeof value === "string" ? escapeXml(value) : value}"`;
  return text;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** What XML 1.0 cannot carry at all (§2.2) becomes U+FFFD, as it came from a peer. */
function escapeXml(text: string): string {
  if (/^[\w\-.!~*'();:@=+$,/?%#[\] ]*$/.test(text)) return text;
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] ?? "");
}
