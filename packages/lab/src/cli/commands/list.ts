// `imslab list`: registered users, or re-authentications, as a table.
import {
  reauthenticationEnds,
  reauthenticationProgresses,
} from "@ims-lab/common/admin-api/schemas";
import type {
  AccessBindingView,
  Page,
  ReauthenticationView,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import { widthOf } from "../../terminal.ts";
import { type Command, defineCommand, print, type Session } from "../command.ts";
import { momentOf, sideOf, UsageError, word } from "../option-values.ts";
import { accessTable, reauthenticationsTable, registrationsTable } from "../views.ts";

/** Of re-authentications, as the S-CSCF has them. */
const FILTERS = {
  impu: { type: "string" },
  impi: { type: "string" },
  cause: { type: "string" },
  end: { type: "string" },
  progress: { type: "string" },
  campaign: { type: "string" },
  since: { type: "string" },
} as const;

export const list: Command = defineCommand({
  name: "list",
  help: `  imslab list [registrations] [--from scscf|pcscf]
  imslab list reauthentications [--impu IMPU] [--impi IMPI] [--cause CAUSE] [--end END]
               [--progress STEP] [--campaign ID] [--since 15m|TIME]
`,
  options: { from: { type: "string" }, ...FILTERS },
  words: 1,
  read([what], values) {
    const from = sideOf(values.from);
    const { impu, impi, cause, campaign, since } = values;
    const wanted = word("list", what ?? "registrations", ["registrations", "reauthentications"]);
    const given = Object.keys(FILTERS).find((option) => Object.hasOwn(values, option));
    if (wanted === "registrations") {
      if (given !== undefined)
        throw new UsageError(`--${given} goes with list reauthentications only`);
      return from === "pcscf" ? listAccess : listRegistrations;
    }
    if (from === "scscf") {
      const end = values.end && word("--end", values.end, reauthenticationEnds);
      const progress =
        values.progress && word("--progress", values.progress, reauthenticationProgresses);
      momentOf("--since", since, 0);
      const filters = { impu, impi, cause, end, progress, campaign, since };
      return (session) => listReauthentications(filters, session);
    }
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

async function listReauthentications(
  { since, ...filters }: { readonly [F in keyof typeof FILTERS]?: string | undefined },
  session: Session,
): Promise<number> {
  const query = { ...filters, since: momentOf("--since", since, session.context.clock.now()) };
  const page = await session.scscf.all<ReauthenticationView>("/reauthentications", query);
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
