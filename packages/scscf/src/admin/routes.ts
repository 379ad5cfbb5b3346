// The admin interface of the S-CSCF: registrations, re-authentications, subscribers.

import { scscfFaults } from "@ims-lab/common/admin-api/faults";
import { addHistoryRoutes } from "@ims-lab/common/admin-api/history-routes";
import { impuParams } from "@ims-lab/common/admin-api/path-parameters";
import { addPolicyRoutes } from "@ims-lab/common/admin-api/policy-routes";
import { pageOf } from "@ims-lab/common/admin-api/schema-parts";
import {
  deregisterAnswerSchema,
  reauthenticateAnswerSchema,
  registrationSchema,
} from "@ims-lab/common/admin-api/schemas";
import { addTransactionRoute } from "@ims-lab/common/admin-api/transaction-route";
import {
  type DeregisterAnswer,
  deregistrationCauses,
  type OperatorCause,
  type ReauthenticateAnswer,
} from "@ims-lab/common/admin-api/views";
import { addFaultRoutes } from "@ims-lab/common/faults/fault-routes";
import { addNetworkFaultRoutes } from "@ims-lab/common/faults/network-fault-routes";
import type { Clock } from "@ims-lab/common/platform/clock";
import { type PageQuery, page, pageQuerySchema } from "@ims-lab/common/platform/http/page";
import { problem } from "@ims-lab/common/platform/http/problem";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { FastifyInstance } from "fastify";
import type { Scscf } from "../node.ts";
import type { Binding } from "../registration/binding.ts";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";
import { addCampaigns } from "./campaign-routes.ts";
import { addCluster } from "./cluster-routes.ts";
import { addDeregistrations, removalOf } from "./deregistration-routes.ts";
import { addEvents } from "./event-routes.ts";
import { addMessages } from "./message-routes.ts";
import { addReauthentications } from "./reauthentication-routes.ts";
import { reauthenticationOf } from "./reauthentication-view.ts";
import { addSubscribers } from "./subscriber-routes.ts";
import { registrationView } from "./views.ts";

export function addRoutes(app: FastifyInstance, scscf: Scscf, { clock }: { clock: Clock }): void {
  addCluster(app, scscf);
  addRegistrations(app, scscf);
  addHistories(app, scscf);
  addDeregister(app, scscf, clock);
  addDeregistrations(app, { ...scscf, clock });
  addReauthenticate(app, scscf);
  addReauthentications(app, { scscf, clock, impisOf: (impu) => impisOf(scscf, impu) });
  addCampaigns(app, scscf);
  addSubscribers(app, scscf);
  addPolicyRoutes(app, scscf.policy);
  addEvents(app, { stream: scscf.eventStream, namesOf: (impu) => namesOf(scscf, impu) });
  addMessages(app, { clock, watches: scscf.watches, namesOf: (impu) => namesOf(scscf, impu) });
  addFaultRoutes(app, scscf.faults.switches, scscfFaults);
  addNetworkFaultRoutes(app, scscf.networkFaults);
  addTransactionRoute(app, clock, () => [scscf.endpoint]);
}

function addRegistrations(app: FastifyInstance, scscf: Scscf): void {
  app.get<{ Querystring: PageQuery }>(
    "/registrations",
    {
      schema: {
        summary: "Who is registered.",
        querystring: pageQuerySchema,
        response: { 200: pageOf(registrationSchema) },
      },
    },
    ({ query }) => {
      const { bindings } = scscf;
      const names = { size: bindings.setCount, [Symbol.iterator]: () => bindings.sets() };
      return page(names, query, (name) => {
        const set = scscf.setOf(name) ?? { name, impus: [] };
        return registrationView(scscf, set, set.impus[0]?.uri ?? name);
      });
    },
  );
  app.get<{ Params: { impu: string } }>(
    "/registrations/:impu",
    {
      schema: {
        summary: "One user's registration.",
        params: impuParams,
        response: { 200: registrationSchema },
      },
    },
    ({ params: { impu } }) => {
      const views = setsNamed(scscf, impu).map((set) => registrationView(scscf, set, impu));
      const shown = views.find(({ bindings }) => bindings.length > 0) ?? views[0];
      return { ...shown, bindings: views.flatMap(({ bindings }) => bindings) };
    },
  );
}

function addHistories(app: FastifyInstance, { history }: Scscf): void {
  addHistoryRoutes(app, {
    summary: {
      ofUser: "The latest events of a user or of a name that was tried, oldest first.",
      ofSource: "What was refused to an address, oldest first.",
    },
    ofUser: (name) => {
      const { isKnown, events } = history.of(name);
      if (!isKnown && events.length === 0)
        throw problem(404, "No such user", `${name} is unknown, and nobody has tried that name.`);
      return events;
    },
    ofSource: (address) => history.ofSource(address),
  });
}

interface DeregisterQuery {
  readonly cause: OperatorCause;
  readonly retryAfterSeconds?: number;
  readonly contact?: string;
}

function addDeregister(app: FastifyInstance, scscf: Scscf, clock: Clock): void {
  const querystring = {
    type: "object",
    properties: {
      cause: { type: "string", enum: deregistrationCauses, default: "deactivated" },
      retryAfterSeconds: { type: "integer", minimum: 0 },
      contact: { type: "string", description: "Only the binding of this Contact URI." },
    },
    additionalProperties: false,
  } as const;
  app.delete<{ Params: { impu: string }; Querystring: DeregisterQuery }>(
    "/registrations/:impu",
    {
      schema: {
        summary: "De-register by cause.",
        params: impuParams,
        querystring,
        response: { 200: deregisterAnswerSchema },
      },
    },
    async ({ params: { impu }, query: { cause, retryAfterSeconds, contact } }) => {
      const removal = removalOf(cause, retryAfterSeconds);
      const bindings = bindingsOf(scscf, impu, contact);
      const at = clock.now();
      for (const { token } of bindings) {
        scscf.registrations.input(token, { kind: "removed", at, cause: removal });
      }
      await durable(scscf, bindings);
      const contacts = bindings.map(({ address }) => address.contact);
      return { impu, cause, contacts } satisfies DeregisterAnswer;
    },
  );
}

function addReauthenticate(app: FastifyInstance, scscf: Scscf): void {
  const schema = {
    summary: "Have a user authenticate again, now (Figure 3).",
    params: impuParams,
    querystring: {
      type: "object",
      properties: { wait: { type: "number", minimum: 0, maximum: 3600, default: 0 } },
      additionalProperties: false,
    },
    body: {
      type: ["object", "null"],
      properties: {
        contact: { type: "string" },
        withinSeconds: {
          type: "integer",
          minimum: 1,
          maximum: 86_400,
          description:
            "In the place of `reauthentication.deadlineSeconds`; one that runs is told to the device anew when this is sooner.",
        },
      },
      additionalProperties: false,
    },
    response: {
      200: reauthenticateAnswerSchema,
      201: reauthenticateAnswerSchema,
      202: reauthenticateAnswerSchema,
    },
  } as const;
  app.post<{
    Params: { impu: string };
    Querystring: { wait: number };
    Body: { contact?: string; withinSeconds?: number } | null | undefined;
  }>("/registrations/:impu/reauthenticate", { schema }, async (request, reply) => {
    const { params, query, body } = request;
    const bindings = bindingsOf(scscf, params.impu, body?.contact);
    const within = body?.withinSeconds;
    const withinMs = within === undefined ? undefined : within * 1000;
    const asked = scscf.reauthentications.ask(bindings, "operator", withinMs);
    const ids = asked.map(({ id }) => id);
    await durable(scscf, bindings);
    await scscf.reauthentications.wait(ids, query.wait * 1000);
    const items = ids.flatMap((id) => scscf.reauthentications.get(id) ?? []);
    if (items.length < ids.length && scscf.cluster !== undefined)
      throw problem(
        409,
        "Served elsewhere",
        "Another node of the cluster has the user now: it knows the end.",
      );
    const isOver = items.every(({ progress }) => progress === "ended");
    const done = asked.some(({ isNew }) => isNew) ? 201 : 200;
    const answer: ReauthenticateAnswer = {
      items: items.map((one) => reauthenticationOf(scscf, one)),
    };
    return reply.code(query.wait > 0 && !isOver ? 202 : done).send(answer);
  });
}

/** What an answer says outlives the process. */
async function durable({ registrations }: Scscf, bindings: readonly Binding[]): Promise<void> {
  try {
    await registrations.settled(bindings.map(({ set }) => set));
  } catch (why) {
    const said = reasonOf(why);
    throw problem(503, "Not kept", `It is tried again each second, as the store fails: ${said}.`);
  }
}

function impisOf(scscf: Scscf, impu: string): ReadonlySet<string> {
  return new Set(setsNamed(scscf, impu).map(({ name }) => name));
}

function namesOf(scscf: Scscf, impu: string): ReadonlySet<string> {
  const sets = setsNamed(scscf, impu);
  return new Set([
    ...impisOf(scscf, impu),
    ...sets.flatMap(({ name, impus }) => [name, ...impus.map(({ aor }) => aor)]),
  ]);
}

/** The sets of an IMPU, several where users share it, or that of an IMPI. */
function setsNamed(scscf: Scscf, impu: string): readonly RegistrationSet[] {
  const uri = parseUri(impu);
  const sets = scscf.setsOf(uri === undefined ? impu : aorOf(uri));
  if (sets.length === 0) throw problem(404, "No such user", `${impu} is unknown.`);
  return sets;
}

function bindingsOf(scscf: Scscf, impu: string, contact: string | undefined): readonly Binding[] {
  const all = setsNamed(scscf, impu).flatMap(({ name }) => scscf.bindings.ofSet(name));
  const found =
    contact === undefined ? all : all.filter(({ address }) => address.contact === contact);
  if (found.length > 0) return found;
  const what = contact === undefined ? impu : `${contact} of ${impu}`;
  throw problem(404, "Not registered", `${what} is not registered.`);
}
