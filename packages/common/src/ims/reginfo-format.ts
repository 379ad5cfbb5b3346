// Writes reginfo documents, valid against the schema of RFC 3680 §5.4.
import {
  NAMESPACE,
  type Reginfo,
  type ReginfoContact,
  type ReginfoRegistration,
} from "./reginfo-document.ts";

/** The document as text, to be encoded as UTF-8. */
export function formatReginfo(document: Reginfo): string {
  const attributes =
    attribute("xmlns", NAMESPACE) +
    attribute("version", document.version) +
    attribute("state", document.state);
  const registrations = document.registrations.map(formatRegistration).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<reginfo${attributes}>\n${registrations}</reginfo>\n`;
}

function formatRegistration(registration: ReginfoRegistration): string {
  const attributes =
    attribute("aor", registration.aor) +
    attribute("id", registration.id) +
    attribute("state", registration.state);
  const contacts = registration.contacts.map(formatContact).join("");
  return `<registration${attributes}>\n${contacts}</registration>\n`;
}

function formatContact(contact: ReginfoContact): string {
  const attributes =
    attribute("id", contact.id) +
    attribute("state", contact.state) +
    attribute("event", contact.event) +
    attribute("duration-registered", contact.durationRegistered) +
    attribute("expires", contact.expires) +
    attribute("retry-after", contact.retryAfter) +
    attribute("q", contact.q) +
    attribute("callid", contact.callId) +
    attribute("cseq", contact.cseq);
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

/** With the blank before it; "" when it is left out. */
function attribute(name: string, value: string | number | undefined): string {
  if (value === undefined) return "";
  return ` ${name}="${typeof value === "string" ? escapeXml(value) : value}"`;
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
