// RFC 4475 through an endpoint with a small registrar and user agent behind it.
import { expect, test } from "vitest";
import type { Incoming, Refusal } from "../../../src/sip/endpoint/endpoint.ts";
import { checkAccept, checkAsUas, checkRegisterTo } from "../../../src/sip/endpoint/uas-checks.ts";
import { newResponse } from "../../../src/sip/message/message.ts";
import { checkForRelay } from "../../../src/sip/proxy/validate.ts";
import { type TortureMessage, tortureBytes, tortureMessages } from "../../torture/torture.ts";
import { EndpointLab } from "./endpoint-lab.ts";

const abilities = {
  methods: ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "MESSAGE"],
  extensions: ["path"],
  bodies: ["application/sdp", "text/plain", "multipart/mixed"],
};

function check({ request }: Incoming): Refusal | undefined {
  return (
    checkForRelay(request, { isOwn: () => false, extensions: [] }) ??
    checkAsUas(request, abilities) ??
    (request.method === "REGISTER" ? checkRegisterTo(request) : undefined) ??
    (request.method === "INVITE" ? checkAccept(request, "application/sdp") : undefined) ??
    (request.has("Authorization") ? { status: 401 } : undefined)
  );
}

function handler(incoming: Incoming): void {
  const refusal = check(incoming);
  if (refusal === undefined) incoming.respond(newResponse(incoming.request, 200));
  else incoming.refuse(refusal.status, refusal);
}

async function answersTo(message: TortureMessage): Promise<number[]> {
  const lab = new EndpointLab();
  await lab.endpoint("10.0.0.2", {}, handler);
  // Whatever port the Via names, the answer is caught there or at the source.
  const port = viaPort(tortureBytes(message));
  const peer = await lab.peer("10.0.0.9", port);
  peer.send(tortureBytes(message), "10.0.0.2");
  // An answer to nonsense repeats some of it, so it need not be a message that decodes.
  return peer.raw.map((text) => Number(/^SIP\/2\.0 (\d{3}) /.exec(text)?.[1]));
}

function viaPort(bytes: Buffer): number {
  const found = /^(?:v|Via)\s*:\s*SIP\s*\/\s*2\.0\s*\/\s*UDP\s+[^\s:;,]+\s*:\s*(\d+)/im.exec(
    bytes.toString("latin1"),
  );
  return Number(found?.[1] ?? 5060);
}

const named = tortureMessages.filter((each) => each.responseCodes.length > 0);

test.each(named)("$section $file: $expected", async (message) => {
  const answers = await answersTo(message);
  expect(answers).toHaveLength(1);
  // A Date that nobody looks at is better ignored, says RFC 4475 §3.1.2.12 itself.
  const tolerated = message.file === "baddate.dat" ? [200] : [];
  expect([...message.responseCodes, ...tolerated]).toContain(answers[0]);
});

const responses = tortureMessages.filter((each) => each.type === "response");

test.each(responses)("$section $file: no response is answered", async (message) => {
  expect(await answersTo(message)).toEqual([]);
});
