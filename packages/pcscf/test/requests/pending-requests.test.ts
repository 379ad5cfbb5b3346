// A connection that ends before the UE has answered. RFC 5626 §5.3.1.
import { newResponse } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, ALICE, CORE, Lab, type Peer, SCSCF, UE, uriOf } from "../lab.ts";

async function notified(): Promise<{ lab: Lab; ue: Peer; scscf: Peer }> {
  const lab = await Lab.start();
  const ue = await lab.peer(UE, "tcp");
  const scscf = await lab.peer(SCSCF);
  const path = lab.registered(ue, scscf, [["Via", lab.via(UE, "tcp")]]);
  const target = `sip:alice@${UE.host}:${UE.port};transport=tcp`;
  const route = `<${uriOf(path)}>`;
  scscf.send(lab.request(scscf, "NOTIFY", target, [["Route", route]]), CORE);
  lab.run();
  return { lab, ue, scscf };
}

describe("the connection a NOTIFY went over ends", () => {
  test("before the answer: 430 at once", async () => {
    const { lab, ue, scscf } = await notified();
    expect(ue.takeRequest("NOTIFY").to.uriText).toBe(ALICE);
    lab.network.breakStreams({ to: ACCESS });
    lab.run();
    expect(scscf.takeResponse(430).cseq.method).toBe("NOTIFY");
  });

  test("after the answer: nothing more is said", async () => {
    const { lab, ue, scscf } = await notified();
    ue.reply(newResponse(ue.takeRequest("NOTIFY"), 200));
    lab.run();
    scscf.takeResponse(200);
    lab.network.breakStreams({ to: ACCESS });
    lab.run();
    expect(scscf.inbox).toEqual([]);
  });
});
