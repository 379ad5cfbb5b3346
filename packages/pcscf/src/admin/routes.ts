// The admin interface: bindings here, and "ask for re-registration" (Figure 5).

import { addHistoryRoutes } from "@ims-lab/common/admin-api/history-routes";
import { impuParams } from "@ims-lab/common/admin-api/path-parameters";
import { addPolicyRoutes } from "@ims-lab/common/admin-api/policy-routes";
import { pageOf } from "@ims-lab/common/admin-api/schema-parts";
import { accessBindingSchema, askAnswerSchema } from "@ims-lab/common/admin-api/schemas";
import { addTransactionRoute } from "@ims-lab/common/admin-api/transaction-route";
import type { AccessBindingView, AskAnswer } from "@ims-lab/common/admin-api/views";
import { addNetworkFaultRoutes } from "@ims-lab/common/faults/network-fault-routes";
import type { Clock } from "@ims-lab/common/platform/clock";
import { type PageQuery, page, pageQuerySchema } from "@ims-lab/common/platform/http/page";
import { problem } from "@ims-lab/common/platform/http/problem";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { FastifyInstance } from "fastify";
import { type Binding, type BoundContact, contactsOf, sourceOf } from "../bindings/binding.ts";
import type { Pcscf } from "../node.ts";

export function addRoutes(
  app: FastifyInstance,
  pcscf: Pick<
    Pcscf,
    "table" | "notifier" | "history" | "policy" | "networkFaults" | "access" | "core"
  >,
  { clock }: { readonly clock: Clock },
): void {
  const { table, notifier, history, access, core } = pcscf;
  addTransactionRoute(app, clock, () => [access, core]);
  addHistoryRoutes(app, {
    summary: {
      ofUser: "What this node refused or could not read of a user name, oldest first.",
      ofSource: "What this node refused or could not read of an address, oldest first.",
    },
    ofUser: (name) => history.of(name),
    ofSource: (address) => history.ofSource(address),
  });
  addPolicyRoutes(app, pcscf.policy);
  addNetworkFaultRoutes(app, pcscf.networkFaults);
  app.get<{ Querystring: PageQuery }>(
    "/registrations",
    {
      schema: {
        summary: "Bindings this P-CSCF keeps.",
        querystring: pageQuerySchema,
        response: { 200: pageOf(accessBindingSchema) },
      },
    },
    ({ query }) => {
      const items = { size: table.contacts, [Symbol.iterator]: () => everyContact(table) };
      return page(items, query, ([binding, contact]) =>
        viewOf(binding, notifier.subscribedUntil(binding.token), contact),
      );
    },
  );
  app.post<{ Params: { impu: string } }>(
    "/registrations/:impu/reauthenticate",
    {
      schema: {
        summary: "Ask the S-CSCF to have this user register again (NOTIFY, Figure 5).",
        params: impuParams,
        response: { 202: askAnswerSchema },
      },
    },
    (request, reply) => {
      const { impu } = request.params;
      const uri = parseUri(impu);
      const asked =
        uri === undefined ? { kind: "not-registered" as const } : notifier.ask(aorOf(uri));
      switch (asked.kind) {
        case "asked": {
          const contacts = asked.bindings.flatMap(contactsOf).map(({ contact }) => contact);
          const answer: AskAnswer = { impu, contacts };
          return reply.code(202).send(answer);
        }
        case "not-registered":
          throw problem(404, "Not registered", `${impu} has no binding at this P-CSCF.`);
        case "not-subscribed":
          throw problem(
            409,
            "S-CSCF not subscribed",
            "The S-CSCF never subscribed here for this user (or its subscription has ended), so it cannot be asked. Ask at the S-CSCF.",
          );
      }
    },
  );
}

function* everyContact(table: Pcscf["table"]): Generator<readonly [Binding, BoundContact]> {
  for (const binding of table.all())
    for (const contact of contactsOf(binding)) yield [binding, contact];
}

/** @param bound the one of the binding's Contacts that is shown */
export function viewOf(
  binding: Binding,
  subscriptionExpiresAt: number | undefined,
  bound: BoundContact = binding,
): AccessBindingView {
  const { impus, impi, flow, serviceRoute, authenticatedAt } = binding;
  const { contact, expiresAt } = bound;
  return {
    impu: impus[0] ?? "",
    impi,
    implicitSet: impus,
    contact,
    flow: sourceOf(flow),
    serviceRoute,
    expiresAt: Math.round(expiresAt),
    authenticatedAt: authenticatedAt === undefined ? null : Math.round(authenticatedAt),
    subscriptionExpiresAt:
      subscriptionExpiresAt === undefined ? null : Math.round(subscriptionExpiresAt),
  };
}
