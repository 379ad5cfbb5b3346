// `/reauthentications`: running ones and the latest ended, by user, cause, progress, end, campaign and time.
import { pageOf } from "@ims-lab/common/admin-api/schema-parts";
import {
  reauthenticationEnds,
  reauthenticationProgresses,
  reauthenticationSchema,
} from "@ims-lab/common/admin-api/schemas";
import type {
  ReauthenticationEnd,
  ReauthenticationProgress,
} from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import { type PageQuery, page, pageQuerySchema } from "@ims-lab/common/platform/http/page";
import { problem } from "@ims-lab/common/platform/http/problem";
import type { FastifyInstance } from "fastify";
import type { Scscf } from "../node.ts";
import type { Reauthentication } from "../registration/reauthentication.ts";
import { unknownCampaign } from "./campaign-routes.ts";
import { reauthenticationOf } from "./reauthentication-view.ts";

export interface ReauthenticationRouteParts {
  readonly scscf: Scscf;
  readonly clock: Clock;
  /** Of an IMPU's owners; throws the problem of an unknown one. */
  impisOf(impu: string): ReadonlySet<string>;
}

interface ReauthenticationQuery {
  readonly impu?: string;
  readonly impi?: string;
  readonly cause?: string;
  readonly end?: ReauthenticationEnd;
  readonly progress?: ReauthenticationProgress;
  readonly campaign?: string;
  readonly since?: number;
}

const querystring = {
  ...pageQuerySchema,
  properties: {
    ...pageQuerySchema.properties,
    impu: { type: "string", minLength: 1, description: "Only those of this user." },
    impi: { type: "string", minLength: 1, description: "Only those of this IMPI." },
    cause: {
      type: "string",
      pattern: "^(operator|pcscf|policy(:.+)?|campaign(:.+)?)$",
      maxLength: 200,
      description: "operator, pcscf, policy, policy:RULE, campaign or campaign:ID.",
    },
    end: { type: "string", enum: reauthenticationEnds, description: "Only those that ended so." },
    progress: {
      type: "string",
      enum: reauthenticationProgresses,
      description: "Only running ones that have come as far as that.",
    },
    campaign: {
      type: "string",
      minLength: 1,
      description: "Only those that it asked for or joined.",
    },
    since: {
      type: "integer",
      minimum: 0,
      description: "Asked for at or after this time, milliseconds since 1970.",
    },
  },
} as const;

export function addReauthentications(
  app: FastifyInstance,
  parts: ReauthenticationRouteParts,
): void {
  const { scscf } = parts;
  const response = { 200: pageOf(reauthenticationSchema) };
  const schema = { summary: "Running ones, then the latest ended.", querystring, response };
  app.get<{ Querystring: PageQuery & ReauthenticationQuery }>(
    "/reauthentications",
    { schema },
    ({ query }) => {
      const tests = testsOf(query, parts);
      const all = scscf.reauthentications.list();
      const meant =
        tests.length === 0 ? all : all.filter((one) => tests.every((test) => test(one)));
      return page(meant, query, (one) => reauthenticationOf(scscf, one));
    },
  );
  const idParams = {
    type: "object",
    properties: { id: { type: "string" } },
    required: ["id"],
  } as const;
  app.get<{ Params: { id: string } }>(
    "/reauthentications/:id",
    {
      schema: {
        summary: "One re-authentication.",
        params: idParams,
        response: { 200: reauthenticationSchema },
      },
    },
    ({ params: { id } }) => {
      const found = scscf.reauthentications.get(id);
      if (found === undefined) throw problem(404, "No such re-authentication", `${id} is unknown.`);
      return reauthenticationOf(scscf, found);
    },
  );
}

type Test = (one: Reauthentication) => boolean;

/** One for each parameter; throws the problem of a value that can mean nobody. */
function testsOf(query: ReauthenticationQuery, parts: ReauthenticationRouteParts): readonly Test[] {
  const { impu, impi, cause, end, progress, campaign, since } = query;
  const tests: Test[] = [];
  if (impu !== undefined) {
    const impis = parts.impisOf(impu);
    tests.push((one) => impis.has(one.impi));
  }
  if (impi !== undefined) {
    if (parts.scscf.directory.byImpi(impi) === undefined)
      throw problem(404, "No such user", `${impi} is unknown.`, { parameter: "impi" });
    tests.push((one) => one.impi === impi);
  }
  if (cause !== undefined)
    tests.push((one) => one.cause === cause || one.cause.startsWith(`${cause}:`));
  if (end !== undefined && progress !== undefined)
    throw wrong("progress", "is of those that run, end of those that do not: give one of them");
  if (end !== undefined) tests.push((one) => one.progress === "ended" && one.end === end);
  if (progress !== undefined) tests.push((one) => one.progress === progress);
  if (campaign !== undefined) {
    if (parts.scscf.campaigns.get(campaign) === undefined) throw unknownCampaign(campaign);
    const asker = `campaign:${campaign}`;
    tests.push((one) => one.askers.some((each) => each.cause === asker));
  }
  if (since !== undefined) {
    if (since > parts.clock.now() + CLOCKS_APART_MS)
      throw wrong("since", "is in the future: milliseconds since 1970");
    tests.push((one) => one.requestedAt >= since);
  }
  return tests;
}

/** The caller's clock may be ahead of ours. */
const CLOCKS_APART_MS = 60_000;

function wrong(parameter: string, why: string): Error {
  return problem(400, "Bad request", `querystring/${parameter} ${why}`, { parameter });
}
