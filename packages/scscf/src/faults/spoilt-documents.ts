// Reginfo documents of ours with something wrong or odd in them. RFC 3680 §5.

/** Undefined for what is no document of ours. */
export function versionOf(text: string): number | undefined {
  const written = /<reginfo [^>]*version="(\d+)"/.exec(text)?.[1];
  return written === undefined ? undefined : Number(written);
}

export function withVersion(text: string, version: number): string {
  return text.replace(/(<reginfo [^>]*version=")\d+/, `$1${version}`);
}

const FOREIGN = 'xmlns:odd="urn:example:odd"';

/** RFC 3680 §5.1, §5.4: elements and attributes of other namespaces may stand anywhere, and are ignored. */
export function withUnknownNamespace(text: string): string | undefined {
  if (versionOf(text) === undefined) return undefined;
  const element = (name: string): string => `<odd:${name} odd:state="terminated">?</odd:${name}>`;
  return text
    .replace("<reginfo ", `<reginfo ${FOREIGN} `)
    .replaceAll("</contact>", `${element("contact")}</contact>`)
    .replaceAll("</registration>", `${element("registration")}\n</registration>`);
}

const ASKED = /<contact id="[^"]*"([^>]* event="shortened"[^>]*)><uri>[^<]*<\/uri>/g;

/** Where no contact is asked to register again: undefined. */
export function withOtherContact(text: string): string | undefined {
  const other = "<uri>sip:somebody-else@192.0.2.99:5060</uri>";
  return replaced(text, ASKED, `<contact id="of-another"$1>${other}`);
}

export function withoutCallId(text: string): string | undefined {
  return replaced(text, /(<contact [^>]*?) callid="[^"]*"(?: cseq="\d+")?/g, "$1");
}

/** Undefined where none has ended. */
export function withActiveRegistrations(text: string): string | undefined {
  return replaced(text, /(<registration [^>]*)state="terminated"/g, '$1state="active"');
}

function replaced(text: string, what: RegExp, by: string): string | undefined {
  const changed = text.replace(what, by);
  return changed === text ? undefined : changed;
}
