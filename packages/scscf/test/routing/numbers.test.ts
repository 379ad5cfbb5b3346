// Telephone numbers in Request-URIs: whose they are. TS 23.003 §13.4, TS 24.229 §5.4.3; RFC 3966; RFC 3261 §16.5.
import { parseUri } from "@ims-lab/common/sip/message/uri";
import { expect, test } from "vitest";
import { isOurs } from "../../src/routing/terminating.ts";
import { parseSubscribers } from "../../src/subscribers/load.ts";

const DOMAIN = "ims.example";
const loaded = parseSubscribers(`
subscribers:
  - impi: bob@${DOMAIN}
    impus: [sip:bob@${DOMAIN}, "tel:+15550002"]
    auth: { scheme: digest, password: pw }
  - impi: carol@${DOMAIN}
    impus: ["sip:+15550003@${DOMAIN}"]
    auth: { scheme: digest, password: pw }
`);
if (loaded.kind !== "loaded") throw new Error(loaded.problems.join("\n"));
const { directory } = loaded;

test.each([
  ["tel:+1-555-0002", true],
  ["tel:+1(555)0002", true],
  [`sip:+15550002@${DOMAIN};user=phone`, true],
  [`sip:+1-555-0002;isub=1@${DOMAIN};user=PHONE`, true],
  [`sip:+15550003@${DOMAIN};user=phone`, true],
  [`sip:+15550003@${DOMAIN}`, true],
  ["sip:+15550002@other.example;user=phone", false],
  [`sip:+15550002@${DOMAIN}`, true],
  [`sip:+1-555-0002@IMS.Example:5060`, true],
  [`sip:%2B15550002@${DOMAIN}`, true],
  [`sip:15550002@${DOMAIN}`, false],
  ["tel:5550002;phone-context=+1", true],
  ["tel:555-0002;phone-context=+1;ext=7", true],
  ["tel:0002;Phone-Context=+1-555", true],
  [`sip:5550002;phone-context=+1@${DOMAIN};user=phone`, true],
  [`sip:5550002;phone-context=+1@${DOMAIN}`, false],
  ["tel:5550002;phone-context=+49", false],
  [`tel:5550002;phone-context=${DOMAIN}`, false],
  ["tel:911;phone-context=+1", false],
  [`sip:bob@${DOMAIN}:5060`, true],
  [`sip:bob@${DOMAIN.toUpperCase()}`, true],
  [`SIP:%62ob@${DOMAIN.toUpperCase()}:5060;transport=tcp`, true],
  [`sips:bob@${DOMAIN}`, true],
  [`sips:bob@${DOMAIN}:5061`, true],
  [`sips:bob@${DOMAIN}:5060`, false],
  [`sip:bob@${DOMAIN}:5070`, false],
  [`sip:BOB@${DOMAIN}`, false],
  ["tel:+15550009", false],
])("%s: ours is %s", (text, expected) => {
  const uri = parseUri(text);
  if (uri === undefined) throw new Error("no URI");
  expect(isOurs({ directory, domain: DOMAIN, bindingsOf: () => [] }, uri)).toBe(expected);
});
