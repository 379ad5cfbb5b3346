// Memory of calls that are under way, and its bound. TS 24.229 §5.4.5.1.2.
import { nullLogger } from "@ims-lab/common/platform/logger";
import { newRequest, newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { expect, test } from "vitest";
import { DialogTable } from "../../src/dialogs/dialog-table.ts";
import type { EarlyDialog } from "../../src/dialogs/early-dialogs.ts";

interface Kept {
  readonly dialogs: DialogTable;
  readonly sent: SipRequest[];
  forgotten: number;
}

function keeping(most: number): Kept {
  const sent: SipRequest[] = [];
  const kept: Kept = {
    sent,
    forgotten: 0,
    dialogs: new DialogTable({
      log: nullLogger,
      most,
      isOwn: (host) => host === "10.1.0.2",
      send: (request) => sent.push(request),
      onForgotten: () => {
        kept.forgotten += 1;
      },
    }),
  };
  return kept;
}

function request(method: string, callId: string, cseq: number, toTag = ""): SipRequest {
  return newRequest(method, "sip:bob@192.0.2.2", [
    ["Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"],
    ["From", "<sip:alice@ims.example>;tag=a"],
    ["To", `<sip:bob@ims.example>${toTag}`],
    ["Call-ID", callId],
    ["CSeq", `${cseq} ${method}`],
    ["Contact", "<sip:alice@192.0.2.1>"],
  ]);
}

function establish({ dialogs }: Kept, callId: string): void {
  const invite = request("INVITE", callId, 1);
  const headers: [string, string][] = [["Contact", "<sip:bob@192.0.2.2>"]];
  dialogs.established(invite, newResponse(invite, 200, { toTag: "b", headers }), ["token"]);
}

test("limits.maxDialogs: at it all are released, over it the oldest is forgotten and counted", () => {
  const kept = keeping(2);
  for (const callId of ["1", "2"]) establish(kept, callId);
  expect([kept.dialogs.size, kept.forgotten]).toEqual([2, 0]);
  establish(kept, "3");
  expect([kept.dialogs.size, kept.forgotten]).toEqual([2, 1]);
  expect(kept.dialogs.release("token")).toBe(2);
  expect(new Set(kept.sent.map(({ callId }) => callId))).toEqual(new Set(["2", "3"]));
  expect(kept.dialogs.size).toBe(0);
});

test("both ends hear BYE as from the other, each with its own next CSeq", () => {
  const kept = keeping(2);
  establish(kept, "1");
  kept.dialogs.passed(request("UPDATE", "1", 7, ";tag=b"));
  kept.dialogs.release("token");
  const seen = kept.sent.map(({ uri, from, to, cseq }) => [
    uri,
    from.params.get("tag"),
    to.params.get("tag"),
    cseq.number,
  ]);
  expect(seen).toEqual([
    ["sip:alice@192.0.2.1", "b", "a", 1],
    ["sip:bob@192.0.2.2", "a", "b", 8],
  ]);
});

test("a call that is over is not kept, whoever ended it", () => {
  const kept = keeping(2);
  establish(kept, "1");
  kept.dialogs.passed(request("BYE", "1", 2, ";tag=b"));
  expect([kept.dialogs.size, kept.dialogs.release("token"), kept.sent]).toEqual([0, 0, []]);
});

test("RFC 3262 §7.1: PRACK and UPDATE before the answer count, too, in both directions", () => {
  const kept = keeping(2);
  const invite = request("INVITE", "1", 1);
  kept.dialogs.begins(invite, beginning([], ["bob"]));
  kept.dialogs.passed(request("PRACK", "1", 2, ";tag=b"));
  kept.dialogs.passed(request("UPDATE", "1", 3, ";tag=b"));
  kept.dialogs.passed(request("UPDATE", "1", 9, ";tag=another-fork"));
  kept.dialogs.passed(request("UPDATE", "another call", 9, ";tag=b"));
  const back = request("UPDATE", "1", 40);
  back.set("From", "<sip:bob@ims.example>;tag=b").set("To", "<sip:alice@ims.example>;tag=a");
  kept.dialogs.passed(back);
  kept.dialogs.hasBegun(invite);
  const headers: [string, string][] = [["Contact", "<sip:bob@192.0.2.2>"]];
  kept.dialogs.established(invite, newResponse(invite, 200, { toTag: "b", headers }), ["bob"]);
  kept.dialogs.release("bob");
  expect(kept.sent.map(({ cseq }) => cseq.number)).toEqual([41, 4]);
});

test("RFC 3261 §12.2.1.2: the BYE goes to the Contact of the last re-INVITE's answer", () => {
  const kept = keeping(2);
  establish(kept, "1");
  const refresh = request("INVITE", "1", 2, ";tag=b");
  kept.dialogs.passed(refresh);
  const moved: [string, string][] = [["Contact", "<sip:bob@192.0.2.77>"]];
  kept.dialogs.answered(refresh, newResponse(refresh, 488, { headers: moved }));
  kept.dialogs.answered(refresh, newResponse(refresh, 200, { headers: moved }));
  kept.dialogs.release("token");
  expect(kept.sent.map(({ uri }) => uri)).toEqual(["sip:alice@192.0.2.1", "sip:bob@192.0.2.77"]);
});

function beginning(log: string[], callees: string[], caller = "alice"): EarlyDialog {
  return {
    caller,
    callees: new Set(callees),
    end: () => log.push("end"),
    withdraw: (token) => log.push(`withdraw ${token}`),
  };
}

test("an INVITE under way is ended once, and not when it has its answer", () => {
  const { dialogs } = keeping(2);
  const [ofAnswered, ofRinging]: [string[], string[]] = [[], []];
  const [answered, ringing] = [request("INVITE", "1", 1), request("INVITE", "2", 1)];
  dialogs.begins(answered, beginning(ofAnswered, ["bob"]));
  dialogs.begins(ringing, beginning(ofRinging, ["bob"]));
  dialogs.hasBegun(answered);
  expect(dialogs.release("bob")).toBe(1);
  dialogs.release("bob");
  expect([ofAnswered, ofRinging]).toEqual([[], ["end"]]);
});

test.each([
  ["one device after the other", ["desk", "mobile"], ["withdraw desk", "end"]],
  ["the caller", ["alice", "desk"], ["end"]],
  ["somebody else", ["carol"], []],
])("several devices ring and %s goes", (_who, gone, heard) => {
  const { dialogs } = keeping(2);
  const log: string[] = [];
  dialogs.begins(request("INVITE", "1", 1), beginning(log, ["desk", "mobile"]));
  for (const token of gone) dialogs.release(token);
  expect(log).toEqual(heard);
});
