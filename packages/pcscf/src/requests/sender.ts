// The binding that sends a request: by the flow it came over, and by the identity it names where several share one. TS 24.229 §5.2.6.3.
import { instanceOf } from "@ims-lab/common/ims/registered-contacts";
import { From, PPreferredIdentity } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf } from "@ims-lab/common/sip/message/uri";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import { type Binding, contactOf, contactsOf, isContact } from "../bindings/binding.ts";
import type { FlowTable } from "../bindings/flow-table.ts";

/** A flow with more users than this is not searched for a Contact: the request must name its user. */
const MOST_SEARCHED = 64;

/** Undefined: a stranger. */
export function bindingOfSender(
  table: FlowTable,
  request: SipRequest,
  flow: Flow,
): Binding | undefined {
  const named = namedBindings(table, request);
  const overItsFlow = named.filter((binding) => binding.flow.id === flow.id);
  const found = byDevice(overItsFlow, request) ?? overItsFlow[0] ?? unnamed(table, request, flow);
  if (found !== undefined) return found;
  const overAnother = named.filter((binding) => isOtherTransport(binding.flow, flow));
  return byDevice(overAnother, request) ?? overAnother[0];
}

/** P-Preferred-Identity counts; From only without it. */
function namedBindings(table: FlowTable, request: SipRequest): readonly Binding[] {
  const preferred = request.all(PPreferredIdentity);
  const from = request.get(From);
  const names = preferred.length > 0 || from === undefined ? preferred : [from];
  return names.flatMap(({ uri }) => table.ofImpu(aorOf(uri)));
}

/** Anonymous, or naming somebody else: good only when the flow leaves no doubt. */
function unnamed(table: FlowTable, request: SipRequest, flow: Flow): Binding | undefined {
  const count = table.countOnFlow(flow);
  if (count === 0 || count > MOST_SEARCHED) return undefined;
  const onFlow = table.onFlow(flow);
  const [first] = onFlow;
  const oneUser = onFlow.every(({ impi }) => impi === first?.impi);
  return byDevice(onFlow, request) ?? (oneUser ? first : undefined);
}

function byDevice(bindings: readonly Binding[], request: SipRequest): Binding | undefined {
  const contact = contactOf(request);
  if (contact === undefined) return undefined;
  const isNamed = (binding: Binding): boolean =>
    contactsOf(binding).some((one) => isContact(one, contact));
  const instance = instanceOf(contact.params);
  const isDevice = (binding: Binding): boolean =>
    contactsOf(binding).some((one) => one.instance === instance);
  return bindings.find(isNamed) ?? (instance === undefined ? undefined : bindings.find(isDevice));
}

/** The size switch of RFC 3261 §18.1.1 moves a long request from UDP to TCP; nothing leaves TLS or a WebSocket. */
function isOtherTransport(a: Flow, b: Flow): boolean {
  return a.remote.host === b.remote.host && isSwitch(a, b);
}

function isSwitch({ transport: a }: Flow, { transport: b }: Flow): boolean {
  return (a === "udp" && b === "tcp") || (a === "tcp" && b === "udp");
}
