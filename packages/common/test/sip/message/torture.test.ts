// RFC 4475: every torture message is decoded as the RFC says.

import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Contact, Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { formatUri, isSip, unescapedUser } from "@ims-lab/common/sip/message/uri";
import { describe, expect, it } from "vitest";
import { tortureBytes, tortureMessages } from "../../torture/torture.ts";

/** Invalid messages whose fault RFC 4475 lets an element overlook when it does not use the part. */
const MAY_BE_OVERLOOKED = new Set(["baddate"]);
/** Valid to decode; what index.json asks of them is for an endpoint or proxy to do. */
const accepted = tortureMessages.filter(
  (m) => m.validity === "valid" || MAY_BE_OVERLOOKED.has(m.name),
);
const refused = tortureMessages.filter((m) => !accepted.includes(m));

function requestNamed(name: string): SipRequest {
  const message = tortureMessages.find((m) => m.name === name);
  if (message === undefined) throw new Error(`no torture message ${name}`);
  const { message: decoded } = decode(tortureBytes(message));
  if (decoded?.kind !== "request") throw new Error(`${name} is not a valid request`);
  return decoded;
}

describe("RFC 4475", () => {
  it("has its 49 messages here", () => {
    expect(tortureMessages).toHaveLength(49);
  });

  it.each(accepted)("§$section $name is accepted", (entry) => {
    const { message, problem } = decode(tortureBytes(entry));
    expect(problem).toBeUndefined();
    expect(message?.kind).toBe(entry.type);
  });

  it.each(refused)("§$section $name is refused", (entry) => {
    const { problem } = decode(tortureBytes(entry));
    expect(problem).toBeDefined();
    if (entry.type === "response") expect(problem?.status).toBeUndefined();
    else expect(entry.responseCodes).toContain(problem?.status);
  });

  it.each(accepted)("§$section $name comes out as it went in", (entry) => {
    const bytes = tortureBytes(entry);
    const { message } = decode(bytes);
    if (message === undefined) throw new Error("refused");
    const again = encode(message).toString("latin1");
    const text = bytes.toString("latin1");
    const head = text.slice(0, text.indexOf("\r\n\r\n"));
    expect(again.startsWith(head)).toBe(true);
    expect(again.endsWith(`\r\n\r\n${message.body.toString("latin1")}`)).toBe(true);
  });

  it.each(tortureMessages)("no prefix of $name throws or is taken for the whole", (entry) => {
    const bytes = tortureBytes(entry);
    const whole = decode(bytes).message;
    const bodyAt = bytes.indexOf("\r\n\r\n") + 4;
    for (let length = 0; length < bytes.length; length++) {
      const { message } = decode(bytes.subarray(0, length));
      if (message === undefined) continue;
      expect(length).toBeGreaterThanOrEqual(bodyAt);
      expect(message.headerText()).toBe(whole?.headerText());
    }
  });

  it("§3.1.1.1 wsinv: folds and white space disappear from the values", () => {
    const request = requestNamed("wsinv");
    expect(request.to.params.get("tag")).toBe("1918181833n");
    expect(request.cseq).toEqual({ number: 9, method: "INVITE" });
    expect(request.all(Via).map((via) => `${via.transport} ${via.host}`)).toEqual([
      "UDP 192.0.2.2",
      "TCP spindle.example.com",
      "UDP 192.168.255.111",
    ]);
    expect(request.text("NewFangledHeader")).toBe("newfangled value continued newfangled value");
    expect(request.text("UnknownHeaderWithUnusualValue")).toBe(";;,,;;,;");
  });

  it("§3.1.1.3 esc01: escapes are undone once", () => {
    const contact = requestNamed("esc01").get(Contact);
    if (contact === undefined || contact === "*" || !isSip(contact.uri)) throw new Error("Contact");
    expect(unescapedUser(contact.uri)).toBe("caller");
    expect(contact.uri.params.get("n%61me")).toBe("v%61lue%25%34%31");
  });

  it("§3.1.1.4 escnull: two contacts that differ behind the NUL", () => {
    const contacts = requestNamed("escnull").all(Contact);
    expect(contacts.map((c) => c !== "*" && isSip(c.uri) && unescapedUser(c.uri))).toEqual([
      "%00".replace("%00", "\0"),
      "\0\0",
    ]);
  });

  it("§3.1.1.5 esc02: an escaped method or header name is no method and no header", () => {
    const request = requestNamed("esc02");
    expect(request.method).toBe("RE%47IST%45R");
    expect(request.all(Contact)).toHaveLength(2);
  });

  it("§3.1.1.7 longreq: 34 Vias in every spelling", () => {
    expect(requestNamed("longreq").all(Via)).toHaveLength(34);
  });

  it("§3.1.1.8 dblreq: what follows the body is ignored", () => {
    expect(requestNamed("dblreq").body).toHaveLength(0);
  });

  it("§3.1.1.9 semiuri: the parameter belongs to the user part", () => {
    const uri = requestNamed("semiuri").requestUri;
    expect(isSip(uri) && unescapedUser(uri)).toBe("user;par=u@example.net");
  });

  it("§3.3.13, §3.3.14 cparam01, cparam02: brackets decide whose parameter it is", () => {
    const [outside, inside] = ["cparam01", "cparam02"].map((name) =>
      requestNamed(name).get(Contact),
    );
    if (outside === "*" || inside === "*") throw new Error("Contact");
    expect(outside?.params.has("unknownparam")).toBe(true);
    expect(outside && formatUri(outside.uri)).not.toContain("unknownparam");
    expect(inside?.params.has("unknownparam")).toBe(false);
    expect(inside && formatUri(inside.uri)).toContain(";unknownparam");
  });
});
