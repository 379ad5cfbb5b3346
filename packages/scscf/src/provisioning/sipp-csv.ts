// SIPp's injection file: `USER;DOMAIN;…;[authentication username=… password=…]`, or with aka_K, aka_OP and aka_AMF.
import type { Yaml } from "../subscribers/checked-yaml.ts";
import type { ImportEntries, Line } from "./import-lines.ts";

/** The first line says in which order SIPp takes the others. */
export const SIPP_HEAD: RegExp = /^(SEQUENTIAL|RANDOM|USER)\b/;

const FORM =
  "USER;DOMAIN;…;[authentication username=USER@REALM password=…] or […aka_K=0x… aka_OP=0x…]";
const KEYWORDS = ["username", "password", "aka_K", "aka_OP", "aka_AMF"] as const;
type Keyword = (typeof KEYWORDS)[number];

const NAMES: Readonly<Record<string, string>> = {
  impi: "username",
  "impus[0]": "USER;DOMAIN",
  "auth.password": "password",
  "auth.k": "aka_K",
  "auth.op": "aka_OP",
  "auth.amf": "aka_AMF",
};

export function readSippCsv([head, ...lines]: readonly Line[], into: ImportEntries): void {
  if (head !== undefined && /PRINTF/.test(head.text)) {
    into.wrong(head.number, `${head.text}, expected SEQUENTIAL, RANDOM or USER alone: no PRINTF`);
    return;
  }
  for (const line of lines) if (!line.text.startsWith("#")) readLine(line, into);
}

function readLine({ number, text }: Line, into: ImportEntries): void {
  const [user = "", domain = ""] = text.split(";").map((field) => field.trim());
  const written = /\[authentication(\s[^\]]*)\]/.exec(text)?.[1];
  if (written === undefined || user === "" || domain === "" || domain.startsWith("[")) {
    into.wrong(number, `expected ${FORM}`);
    return;
  }
  const keywords = keywordsOf(written);
  if (typeof keywords === "string") {
    into.wrong(number, keywords);
    return;
  }
  const { username, password, aka_K, aka_OP, aka_AMF } = keywords;
  const isAka = aka_K !== undefined || aka_OP !== undefined || aka_AMF !== undefined;
  const keys = { scheme: "aka", ...hex("k", aka_K), ...hex("op", aka_OP), ...hex("amf", aka_AMF) };
  const auth: Yaml = isAka
    ? { ...keys, ...(password !== undefined && { password }) }
    : { scheme: "digest", ...(password !== undefined && { password }) };
  const impus = [`sip:${user}@${domain}`];
  const entry = { ...(username !== undefined && { impi: username }), impus, auth };
  into.add(entry, number, { nameOf: (path) => NAMES[path] ?? path });
}

/** What is wrong with them, as a line. */
function keywordsOf(written: string): Partial<Record<Keyword, string>> | string {
  const found: Partial<Record<Keyword, string>> = {};
  for (const word of written.split(/\s+/).filter((one) => one !== "")) {
    const [name = "", ...value] = word.split("=");
    const keyword = KEYWORDS.find((one) => one === name);
    if (keyword === undefined)
      return `[authentication ${name}…]: expected ${KEYWORDS.join(", ")}, each with = and a value`;
    if (found[keyword] !== undefined) return `${keyword} twice, expected each once`;
    found[keyword] = value.join("=");
  }
  return found;
}

/** SIPp writes octets with 0x in front. */
function hex<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  if (value === undefined) return {};
  return { [key]: value.replace(/^0x/i, "") } as Partial<Record<K, string>>;
}
