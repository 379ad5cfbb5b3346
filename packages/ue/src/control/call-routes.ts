// Calls and messages over HTTP: what `imslab call` and `imslab message` speak. docs/calls.md.
import { callSchema, messageSchema, ueSchema } from "@ims-lab/common/admin-api/ue-schemas";
import { problem } from "@ims-lab/common/platform/http/problem";
import { isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import type { FastifyInstance } from "fastify";
import type { Call } from "../call/call.ts";
import type { CallInput } from "../call/call-state.ts";
import type { UeNode } from "../node.ts";
import { mayCall } from "../user-agent/addresses.ts";
import type { UserEquipment } from "../user-equipment.ts";
import { selectedUe, type UeSelection } from "./selection.ts";

const identity = {
  type: "string",
  description: "IMPU (any that is registered) or IMPI; absent: the only UE",
} as const;
const to = { type: "string", description: "SIP or tel URI", maxLength: 1024 } as const;

function bodySchema(required: readonly string[], properties: object): object {
  const type = required.length > 0 ? "object" : ["object", "null"];
  return {
    type,
    properties: { identity, ...properties },
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

export function callRoutes(app: FastifyInstance, node: UeNode): void {
  app.post<{ Body: UeSelection & { readonly to: string } }>(
    "/call",
    {
      schema: {
        summary: "Call somebody",
        body: bodySchema(["to"], { to }),
        response: { 202: callSchema },
      },
    },
    ({ body }, reply) => {
      const ue = registered(node, body);
      return reply.code(202).send(ue.calls.dial(targetOf(ue, body.to), nameOf(ue, body)));
    },
  );
  app.post<{ Body: UeSelection & { readonly to: string; readonly text: string } }>(
    "/message",
    {
      schema: {
        summary: "Send a MESSAGE and wait for its answer",
        body: bodySchema(["to", "text"], { to, text: { type: "string", maxLength: 8192 } }),
        response: { 200: messageSchema },
      },
    },
    ({ body }) => {
      const ue = registered(node, body);
      return ue.messages.send(targetOf(ue, body.to), body.text, nameOf(ue, body));
    },
  );
  const onCalls = (path: string, summary: string, input: (body: object) => CallInput): void => {
    const properties = path === "/hold" ? { on: { type: "boolean" } } : {};
    app.post<{ Body: (UeSelection & { readonly on?: boolean }) | null }>(
      path,
      { schema: { summary, body: bodySchema([], properties), response: { 202: ueSchema } } },
      ({ body }, reply) => {
        const ue = selectedUe(node, body ?? {});
        for (const call of active(ue)) call.apply(input(body ?? {}));
        return reply.code(202).send(ue.view);
      },
    );
  };
  onCalls("/hangup", "End every call, or refuse it", () => ({ kind: "hang-up" }));
  onCalls("/answer", "Answer the call that rings", () => ({ kind: "answer" }));
  onCalls("/hold", "Put the call on hold, or back with on: false", (body) => ({
    kind: "hold",
    on: !("on" in body) || body.on === true,
  }));
}

function active({ calls }: UserEquipment): readonly Call[] {
  if (calls.active.length === 0) throw problem(409, "No call", "POST /call starts one.");
  return calls.active;
}

function registered(node: UeNode, which: UeSelection): UserEquipment {
  const ue = selectedUe(node, which);
  const { state } = ue.view.registration;
  if (state !== "registered" && state !== "refreshing")
    throw problem(409, "Not registered", `${ue.view.impu} is ${state}.`);
  return ue;
}

/** The identity for From, where it is not the UE's own IMPU. */
function nameOf(ue: UserEquipment, { identity: wanted = "" }: UeSelection): string | undefined {
  return wanted === ue.view.impu || wanted === ue.view.impi ? undefined : ue.associated(wanted);
}

function targetOf({ view }: UserEquipment, text: string): string {
  const uri = parseUri(text);
  if (uri === undefined || uri.scheme === "other" || /[<>\s]/.test(text))
    throw problem(400, "No SIP or tel URI", text);
  // RFC 3261 §19.1.1: both are for links, no Request-URI has them.
  if (isSip(uri) && (uri.headers !== undefined || uri.params.has("method")))
    throw problem(400, "A URI without ?… and method=", text);
  if (!mayCall(view.impu, text))
    throw problem(400, "A sips: URI wants a sips: caller", `${view.impu} is none (user.impu).`);
  return text;
}
