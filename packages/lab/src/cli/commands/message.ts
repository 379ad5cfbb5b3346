// `imslab message`: a MESSAGE from a UE of the lab, ordered over its control interface. RFC 3428.
import type { MessageView } from "@ims-lab/common/admin-api/views";
import { type Command, defineCommand, print } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { impuOf, UsageError, ueOf } from "../option-values.ts";

export const message: Command = defineCommand({
  name: "message",
  help: "  imslab message FROM TO TEXT\n",
  options: {},
  words: 3,
  read([sender, receiver, text]) {
    const from = ueOf(sender, "message");
    const to = impuOf(receiver, "message");
    if (text === undefined) throw new UsageError("say what: imslab message FROM TO TEXT");
    return async (session) => {
      const order = { identity: from, to, text };
      const sent = await session.ue.post<MessageView>("/message", {}, order);
      print(sent, messageLine(sent), session);
      return isTaken(sent) ? EXIT.done : EXIT.unknown;
    };
  },
});

function isTaken({ status }: MessageView): boolean {
  return status !== null && status < 300;
}

function messageLine(sent: MessageView): string {
  if (isTaken(sent)) return `${sent.peer} has it\n`;
  const why = [sent.status, sent.why].filter((one) => one !== null).join(" ");
  return `${sent.peer} did not get it: ${why}\n`;
}
