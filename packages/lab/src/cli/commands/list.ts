// `imslab list`: registered users, or re-authentications, as a table.
import type {
  AccessBindingView,
  Page,
  ReauthenticationView,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import { widthOf } from "../../terminal.ts";
import { type Command, defineCommand, print, type Session } from "../command.ts";
import { sideOf, UsageError, word } from "../option-values.ts";
import { accessTable, reauthenticationsTable, registrationsTable } from "../views.ts";

export const list: Command = defineCommand({
  name: "list",
  help: "  imslab list [registrations|reauthentications] [--from scscf|pcscf]\n",
  options: { from: { type: "string" } },
  words: 1,
  read([what], values) {
    const from = sideOf(values.from);
    const wanted = word("list", what ?? "registrations", ["registrations", "reauthentications"]);
    if (wanted === "registrations") return from === "pcscf" ? listAccess : listRegistrations;
    if (from === "scscf") return listReauthentications;
    throw new UsageError("the P-CSCF keeps no re-authentications: leave --from pcscf out");
  },
});

async function listRegistrations(session: Session): Promise<number> {
  const page = await session.scscf.all<RegistrationView>("/registrations");
  return printPage(page, registrationsTable, session);
}

async function listAccess(session: Session): Promise<number> {
  const page = await session.pcscf.all<AccessBindingView>("/registrations");
  return printPage(page, accessTable, session);
}

async function listReauthentications(session: Session): Promise<number> {
  const page = await session.scscf.all<ReauthenticationView>("/reauthentications");
  return printPage(page, reauthenticationsTable, session);
}

function printPage<T>(
  page: Page<T>,
  asTable: (items: readonly T[], now: number, width: number) => string,
  session: Session,
): number {
  const { stdout, env, clock } = session.context;
  return print(page, asTable(page.items, clock.now(), widthOf(stdout, env)), session);
}
