// RFC 3261 §8.2: the first thing wrong with a request decides its refusal.
import { expect, test } from "vitest";
import { checkAccept, checkAsUas } from "../../../src/sip/endpoint/uas-checks.ts";
import { newRequest } from "../../../src/sip/message/message.ts";

const abilities = { methods: ["MESSAGE"], extensions: ["path"], bodies: ["text/plain"] };

/** §8.2.3: what would do. */
const UNSUPPORTED = {
  status: 415,
  headers: [
    ["Accept", "text/plain, multipart/mixed"],
    ["Accept-Encoding", "identity"],
  ],
};

function message(method: string, uri: string, headers: [string, string][] = [], body = "") {
  return newRequest(method, uri, headers, Buffer.from(body));
}

test.each<[string, ReturnType<typeof message>, unknown]>([
  ["all is well", message("MESSAGE", "sip:x@y"), undefined],
  ["unknown method", message("FLY", "sip:x@y"), { status: 501, headers: [["Allow", "MESSAGE"]] }],
  ["method not served", message("BYE", "x:y"), { status: 405, headers: [["Allow", "MESSAGE"]] }],
  ["scheme", message("MESSAGE", "tel:+1", [["Require", "x"]]), { status: 416 }],
  [
    "extension",
    message("MESSAGE", "sip:x@y", [["Require", "Path, x, y"]], "<"),
    { status: 420, headers: [["Unsupported", "x, y"]] },
  ],
  ["body type", message("MESSAGE", "sip:x@y", [["Content-Type", "text/html"]], "<"), UNSUPPORTED],
  [
    "body encoding",
    message(
      "MESSAGE",
      "sip:x@y",
      [
        ["Content-Type", "text/plain"],
        ["Content-Encoding", "gzip"],
      ],
      "<",
    ),
    UNSUPPORTED,
  ],
  [
    "optional body",
    message("MESSAGE", "sip:x@y", [["Content-Disposition", "x;handling=optional"]], "<"),
    undefined,
  ],
])("%s", (_name, request, refusal) => {
  expect(checkAsUas(request, abilities)).toEqual(refusal);
});

test.each([
  [[], undefined],
  [["application/sdp"], undefined],
  [["text/plain, application/*"], undefined],
  [["*/*"], undefined],
  [["text/nobodyKnowsThis"], 406],
])("§21.4.7: Accept %s", (accept, status) => {
  const headers = accept.map((value): [string, string] => ["Accept", value]);
  expect(checkAccept(message("INVITE", "sip:x@y", headers), "application/sdp")?.status).toBe(
    status,
  );
});
