// `imslab campaign`: many users authenticate again, at a pace: start, dry run, list, show, pause, resume, stop.
import type {
  CampaignFilterOrder,
  CampaignPlan,
  CampaignRequest,
  CampaignView,
} from "@ims-lab/common/admin-api/campaigns";
import { widthOf } from "../../terminal.ts";
import { followCampaign } from "../campaign-progress.ts";
import {
  campaignsTable,
  campaignText,
  outcomeOfCampaign,
  planText,
  SHOWN_TARGETS,
} from "../campaign-views.ts";
import {
  type Command,
  defineCommand,
  print,
  progressing,
  type Run,
  type Session,
} from "../command.ts";
import { CommandFailure, EXIT } from "../exit-codes.ts";
import { countOf, secondsOf, UsageError, word } from "../option-values.ts";

const ACTIONS = ["start", "list", "show", "pause", "resume", "stop"] as const;
type Action = (typeof ACTIONS)[number];

const ORDER_OPTIONS = {
  name: { type: "string" },
  impu: { type: "string" },
  impi: { type: "string" },
  pcscf: { type: "string" },
  "min-age": { type: "string" },
  "user-agent": { type: "string" },
  percent: { type: "string" },
  pace: { type: "string" },
  jitter: { type: "string" },
  seed: { type: "string" },
  "dry-run": { type: "boolean" },
  yes: { type: "boolean" },
} as const;

type OrderValues = {
  readonly [O in keyof typeof ORDER_OPTIONS]?: (typeof ORDER_OPTIONS)[O]["type"] extends "boolean"
    ? boolean
    : string;
};

export const campaign: Command = defineCommand({
  name: "campaign",
  help: `  imslab campaign start [--impu PATTERN] [--impi PATTERN] [--pcscf HOST[:PORT]]
               [--min-age SECONDS] [--user-agent PATTERN] [--percent N] [--pace N]
               [--jitter 0..1] [--seed TEXT] [--name TEXT] [--dry-run] [--yes] [--follow]
      Has all that match authenticate again, so many a second (10); * and ? are wildcards.
      --dry-run lists them; --yes confirms everybody, or a pace above the node's setting.
      Of a cluster, the users of the S-CSCF that is asked (--url); the others have campaigns of their own.
  imslab campaign list
  imslab campaign show|pause|resume|stop ID [--follow]
      --follow waits for the end with a progress bar; the exit code is that of the ends.
`,
  options: { ...ORDER_OPTIONS, follow: { type: "boolean" } },
  words: 2,
  read([written, id], values) {
    const { follow = false, ...order } = values;
    const action = word("campaign", written ?? missing(), ACTIONS);
    const isStart = action === "start";
    const unused = Object.keys(ORDER_OPTIONS).find((option) => Object.hasOwn(order, option));
    if (unused !== undefined && !isStart)
      throw new UsageError(`campaign ${action} does not take --${unused}`);
    if (follow && !FOLLOWED.has(action))
      throw new UsageError(`campaign ${action} does not take --follow`);
    if (isStart || action === "list") {
      if (id !== undefined) throw new UsageError(`"${id}" is one word too many`);
      return isStart ? startOf(requestOf(order), follow) : listCampaigns;
    }
    if (id === undefined)
      throw new UsageError(
        `say which: imslab campaign ${action} ID (imslab campaign list shows all)`,
      );
    return (session) => onOne(action, id, follow, session);
  },
});

const FOLLOWED: ReadonlySet<Action> = new Set<Action>(["start", "show", "resume"]);

function missing(): never {
  throw new UsageError(`say what to do: imslab campaign ${ACTIONS.join("|")}`);
}

function requestOf(values: OrderValues): CampaignRequest {
  const filter: CampaignFilterOrder = defined({
    impu: values.impu,
    impi: values.impi,
    pcscf: values.pcscf,
    minAuthenticationAgeSeconds: secondsOf("--min-age", values["min-age"]),
    userAgent: values["user-agent"],
  });
  return {
    filter,
    ...defined({
      name: values.name,
      seed: values.seed,
      percent: countOf("--percent", values.percent),
      pacePerSecond: countOf("--pace", values.pace),
      jitter: countOf("--jitter", values.jitter),
      dryRun: values["dry-run"],
      confirm: values.yes,
    }),
  };
}

/** Without what was not given: that is left to the node. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function startOf(request: CampaignRequest, follow: boolean): Run {
  return async (session) => {
    if (request.dryRun === true) return dryRun(request, session);
    const started = await session.scscf
      .post<CampaignView>("/campaigns", {}, request)
      .catch(sayHowToConfirm);
    return told(started, follow, session);
  };
}

function sayHowToConfirm(problem: unknown): never {
  if (problem instanceof CommandFailure && problem.message.includes("Confirmation needed"))
    throw new CommandFailure(problem.exitCode, `${problem.message} (--yes)`);
  throw problem;
}

async function dryRun(request: CampaignRequest, session: Session): Promise<number> {
  const { scscf, context, json } = session;
  // A program gets as many as one answer may have.
  const limit = json ? 1000 : SHOWN_TARGETS;
  const plan = await scscf.post<CampaignPlan>("/campaigns", { limit }, request);
  const { stdout, env, clock } = context;
  return print(plan, planText(plan, clock.now(), widthOf(stdout, env)), session);
}

async function listCampaigns(session: Session): Promise<number> {
  const page = await session.scscf.all<CampaignView>("/campaigns");
  const { stdout, env, clock } = session.context;
  return print(page, campaignsTable(page.items, clock.now(), widthOf(stdout, env)), session);
}

async function onOne(
  action: Exclude<Action, "start" | "list">,
  id: string,
  follow: boolean,
  session: Session,
): Promise<number> {
  const { scscf } = session;
  const path = `/campaigns/${encodeURIComponent(id)}`;
  switch (action) {
    case "show":
      return told(await scscf.get<CampaignView>(path), follow, session);
    case "stop":
      return told(await scscf.delete<CampaignView>(path), follow, session);
    case "pause":
    case "resume":
      return told(await scscf.post<CampaignView>(`${path}/${action}`), follow, session);
  }
}

/** Whether it was followed or is over: then its ends decide. */
async function told(found: CampaignView, follow: boolean, session: Session): Promise<number> {
  const { scscf, context } = session;
  const now = follow
    ? await progressing(session, (progress) => followCampaign(found, scscf, progress))
    : found;
  print(now, campaignText(now, context.clock.now()), session);
  return follow ? outcomeOfCampaign(now) : EXIT.done;
}
