// `imslab why`: what happened to a user, or came from an address, and why.
import { printable } from "@ims-lab/common/platform/printable";
import { type Command, defineCommand, print, type Session } from "../command.ts";
import { type History, historyOfAddress, historyOfUser, historyText } from "../history.ts";
import { UsageError } from "../option-values.ts";

export const why: Command = defineCommand({
  name: "why",
  help: `  imslab why IMPU|IMPI|ADDRESS[:PORT]
      What happened to a user, or came from an address: both CSCFs' latest events, and why.
`,
  options: {},
  words: 1,
  read([argument]) {
    if (argument === undefined)
      throw new UsageError("say whom: imslab why sip:alice@DOMAIN, or an address: 192.0.2.7");
    const address = addressIn(argument);
    return async (session) =>
      printHistory(
        address === undefined
          ? await historyOfUser(argument, session)
          : await historyOfAddress(address.host, address.port, session),
        session,
      );
  },
});

function printHistory({ events, registration, missing }: History, session: Session): number {
  const { stderr } = session.context;
  for (const problem of missing) stderr.write(`imslab: left out: ${printable(problem)}\n`);
  const past = events.length === 0 ? "nothing has happened yet\n" : historyText(events);
  const now = registration === undefined ? "" : `now ${registration.state}\n`;
  return print({ items: events, total: events.length }, past + now, session);
}

interface Address {
  readonly host: string;
  readonly port: string | undefined;
}

/** `192.0.2.7`, `192.0.2.7:5060`, `2001:db8::7`, `[2001:db8::7]:5060`. */
function addressIn(text: string): Address | undefined {
  const four = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/.exec(text);
  const six = /^\[([\da-f:.]+)\](?::(\d{1,5}))?$/i.exec(text);
  const bare = /^([\da-f]*:[\da-f:.]*:[\da-f.:]*)$/i.exec(text);
  const [, host, port] = four ?? six ?? bare ?? [];
  return host === undefined ? undefined : { host: host.toLowerCase(), port };
}
