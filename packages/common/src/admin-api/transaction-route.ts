// `GET /transactions`: what a node's SIP transactions wait for, of all its sides.
import type { FastifyInstance } from "fastify";
import type { Clock } from "../platform/clock.ts";
import { type PageQuery, pageQuerySchema } from "../platform/http/page.ts";
import type { TransactionList, TransactionView } from "../sip/transaction/view.ts";
import { peerOf } from "../sip/transport/transport.ts";
import { pageOf } from "./schema-parts.ts";
import { transactionSchema } from "./schemas.ts";
import type { LiveTransactionView, Page } from "./views.ts";

/** @param lists asked for at each request: a node's sides may come and go */
export function addTransactionRoute(
  app: FastifyInstance,
  clock: Clock,
  lists: () => readonly TransactionList[],
): void {
  app.get<{ Querystring: PageQuery }>(
    "/transactions",
    {
      schema: {
        summary: "Live SIP transactions; those that linger for retransmissions, too.",
        querystring: pageQuerySchema,
        response: { 200: pageOf(transactionSchema) },
      },
    },
    ({ query }) => pageOfLists(lists(), query, clock.now()),
  );
}

function pageOfLists(
  lists: readonly TransactionList[],
  { offset, limit }: PageQuery,
  now: number,
): Page<LiveTransactionView> {
  const items: LiveTransactionView[] = [];
  let total = 0;
  for (const list of lists) {
    const { servers, clients } = list.transactions;
    const from = Math.max(0, offset - total);
    total += servers + clients;
    if (items.length === limit || offset >= total) continue;
    for (const view of list.listTransactions(from, limit - items.length))
      items.push(shown(list.name, view, now));
  }
  return { items, total };
}

function shown(side: string, view: TransactionView, now: number): LiveTransactionView {
  const { kind, method, state, startedAt, endsAt, flow, branch, callId } = view;
  return {
    side,
    kind,
    method,
    state,
    ageMs: Math.round(now - startedAt),
    endsInMs: endsAt === undefined ? null : Math.max(0, Math.round(endsAt - now)),
    peer: flow === undefined ? null : peerOf(flow),
    branch,
    callId,
  };
}
