// Repeats the measurements of docs/decisions/0001-own-sip-core.md: what npm sip does, and this project's core beside it.
import { readFileSync } from "node:fs";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Contact, Via } from "@ims-lab/common/sip/message/fields";
import { parseUri } from "@ims-lab/common/sip/message/uri";
import * as sip from "sip";
import { coreTransactions } from "./core-transactions.ts";
import { npmSipBranchDigits, npmSipTransactions, type Watched } from "./transactions.ts";

const TORTURE = new URL("../../packages/common/test/torture/", import.meta.url);

interface Row {
  readonly what: string;
  readonly npmSip: string;
  readonly core: string;
}

/** RFC 4475: a message npm sip hands to its user has these parts; it checks no more. */
function isComplete(text: string): boolean {
  const message = sip.parse(text);
  if (message === undefined) return false;
  const { via, to, from, cseq } = message.headers;
  const parts = [message.method ?? message.status, to, from, cseq, message.headers["call-id"]];
  return Array.isArray(via) && via.length > 0 && parts.every(Boolean);
}

function tortureRow(): Row {
  const index = JSON.parse(readFileSync(new URL("index.json", TORTURE), "utf8")) as {
    readonly messages: readonly { readonly file: string; readonly validity: string }[];
  };
  const invalid = index.messages
    .filter(({ validity }) => validity === "invalid")
    .map(({ file }) => readFileSync(new URL(file, TORTURE)));
  const taken = invalid.filter((bytes) => isComplete(bytes.toString("latin1"))).length;
  const ours = invalid.filter((bytes) => "message" in decode(bytes)).length;
  const of = `of ${invalid.length}`;
  return {
    what: "invalid messages of RFC 4475 taken for good",
    npmSip: `${taken} ${of}`,
    core: `${ours} ${of}`,
  };
}

function register(lines: readonly string[]): string {
  return [
    "REGISTER sip:ims.example SIP/2.0",
    ...lines,
    "Max-Forwards: 70",
    "From: <sip:alice@ims.example>;tag=1928301774",
    "To: <sip:alice@ims.example>",
    "Call-ID: a84b4c76e66710",
    "CSeq: 1 REGISTER",
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

const IPV6_VIA = register(["Via: SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bK776asdhds"]);
const IPV6_URI = "sip:alice@[2001:db8::1]:5062;transport=udp";

function viaHost(): unknown {
  const via = sip.parse(IPV6_VIA)?.headers.via?.[0];
  return via?.host;
}
function coreViaHost(): unknown {
  const via = decode(Buffer.from(IPV6_VIA)).message?.get(Via);
  return via?.host;
}
function uriHost(): unknown {
  return (sip as unknown as { parseUri(text: string): { host: string } | undefined }).parseUri(
    IPV6_URI,
  )?.host;
}
function coreUriHost(): unknown {
  const uri = parseUri(IPV6_URI);
  return uri !== undefined && "host" in uri ? uri.host : undefined;
}

function ipv6Row(what: string, npmSip: () => unknown, core: () => unknown): Row {
  const verdict = (read: unknown): string =>
    String(read).includes("2001:db8::1") ? "yes" : `no (${String(read)})`;
  return { what, npmSip: verdict(npmSip()), core: verdict(core()) };
}

/** Compact forms registered since RFC 3261: RFC 3265, 6665, 3841, 3892, 8224. */
const COMPACT = {
  o: "Event",
  u: "Allow-Events",
  r: "Refer-To",
  b: "Referred-By",
  x: "Session-Expires",
};

function compactRow(): Row {
  const via = "Via: SIP/2.0/UDP ue.example;branch=z9hG4bK776asdhds";
  const letters = Object.entries(COMPACT);
  const known = letters.filter(([letter, name]) => {
    const headers = sip.parse(register([via, `${letter}: value`]))?.headers ?? {};
    return headers[name.toLowerCase()] !== undefined;
  });
  const ours = letters.filter(([letter, name]) =>
    decode(Buffer.from(register([via, `${letter}: value`]))).message?.has(name),
  );
  const shown = (found: readonly (readonly [string, string])[]): string =>
    found.length === 0 ? "none" : found.map(([letter]) => letter).join(" ");
  return {
    what: `compact forms known of ${Object.keys(COMPACT).join(" ")}`,
    npmSip: shown(known),
    core: shown(ours),
  };
}

async function transactionRows(): Promise<Row[]> {
  const npmSip = [await npmSipTransactions(undefined), await npmSipTransactions(100)] as const;
  const core = [await coreTransactions(undefined), await coreTransactions(100)] as const;
  const repeated = (watched: Watched): string => watched.repeatedAfter.join(" ") || "never";
  const given = (watched: Watched): string => watched.givenUpAfter ?? "never (one hour watched)";
  return [
    {
      what: "non-INVITE over UDP, no answer: repeated after (s)",
      npmSip: repeated(npmSip[0]),
      core: repeated(core[0]),
    },
    {
      what: "the same, 100 to the first: repeated after (s)",
      npmSip: repeated(npmSip[1]),
      core: repeated(core[1]),
    },
    {
      what: "the same, 100 to the first: given up after (s)",
      npmSip: given(npmSip[1]),
      core: given(core[1]),
    },
    {
      what: "random part of a branch",
      npmSip: `${npmSipBranchDigits()} decimal digits`,
      core: `${/[\da-f]+$/.exec(core[0].branch)?.[0].length ?? 0} hexadecimal digits`,
    },
  ];
}

/** A REGISTER of about 1 KB, as the S-CSCF gets it: read, Via and Contact looked at, written again. */
function costRow(): Row {
  const text = register([
    "Via: SIP/2.0/UDP 10.0.0.2:4060;rport;branch=z9hG4bKd3a1f2e4c5b69788796a5b4c3d2e1f00",
    "Via: SIP/2.0/UDP 10.0.0.9:49152;received=10.0.0.9;rport=49152;branch=z9hG4bK776asdhds",
    "Path: <sip:kx0Zl8bq3Wc7Yd2RvTnUoA@10.0.0.2:4060;lr>",
    "Require: path",
    "Supported: path",
    'Contact: <sip:alice@10.0.0.9:49152>;+sip.instance="<urn:uuid:5f0a41e2-90aa-4c0e-8c49-4c3fd0a1b2c3>"',
    "Expires: 600000",
    "P-Visited-Network-ID: visited.example",
    "P-Charging-Vector: icid-value=6a0f9e8d7c6b5a49382716050f1e2d3c;icid-generated-at=10.0.0.2",
    `Authorization: Digest username="001010000000001@ims.mnc001.mcc001.3gppnetwork.org", realm="ims.mnc001.mcc001.3gppnetwork.org", nonce="${"A".repeat(44)}", uri="sip:ims.mnc001.mcc001.3gppnetwork.org", response="${"0".repeat(32)}", algorithm=AKAv1-MD5, qop=auth, nc=00000001, cnonce="0a4f113b", integrity-protected="no"`,
  ]);
  const bytes = Buffer.from(text);
  const npmSip = micros(() => {
    const message = sip.parse(bytes.toString("latin1"));
    if (message !== undefined) Buffer.from(sip.stringify(message), "latin1");
  });
  const core = micros(() => {
    const { message } = decode(bytes);
    message?.get(Via);
    message?.get(Contact);
    if (message !== undefined) encode(message);
  });
  return { what: `CPU µs to read and write ${bytes.length} octets`, npmSip, core };
}

/** CPU time, so that a busy machine counts less; the best of nine rounds after a warm-up. */
function micros(work: () => void): string {
  const ROUND = 10_000;
  const rounds = Array.from({ length: 10 }, () => {
    const start = process.cpuUsage();
    for (let n = 0; n < ROUND; n++) work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / ROUND;
  });
  return Math.min(...rounds.slice(1)).toFixed(1);
}

function table(lines: readonly Row[]): string {
  const head = { what: "", npmSip: "npm sip 0.0.6", core: "sip core" };
  const width = (key: keyof Row): number => Math.max(...[head, ...lines].map((r) => r[key].length));
  const [what, npmSip] = [width("what"), width("npmSip")];
  return [head, ...lines]
    .map((r) => `${r.what.padEnd(what)}  ${r.npmSip.padEnd(npmSip)}  ${r.core}\n`)
    .join("");
}

const rows: readonly Row[] = [
  tortureRow(),
  ipv6Row("reads an IPv6 address in a Via", viaHost, coreViaHost),
  ipv6Row("reads an IPv6 address in a URI", uriHost, coreUriHost),
  compactRow(),
  ...(await transactionRows()),
  costRow(),
];
process.stdout.write(table(rows));
