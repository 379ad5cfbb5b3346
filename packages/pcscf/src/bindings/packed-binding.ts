// A binding of the P-CSCF as one text, for its store. The inverse of each other, but for what holds in one process only.
import { type Flow, formatHostPort } from "@ims-lab/common/sip/transport/transport";
import type { Binding, BoundContact } from "./binding.ts";

type PackedContact = readonly [
  contact: string,
  listed: string | null,
  instance: string | null,
  callId: string,
  cseq: number,
  expiresAt: number,
];

type Packed = readonly [
  impi: string,
  aor: string,
  impus: readonly string[],
  transport: Flow["transport"],
  localHost: string,
  localPort: number,
  remoteHost: string,
  remotePort: number,
  source: string | null,
  natted: 0 | 1,
  serviceRoute: readonly string[],
  scscf: string,
  registeredAt: number,
  authenticatedAt: number | null,
  contacts: readonly PackedContact[],
];

export function packBinding(binding: Binding): string {
  const { flow, others = [] } = binding;
  const packed: Packed = [
    binding.impi,
    binding.aor,
    binding.impus,
    flow.transport,
    flow.local.host,
    flow.local.port,
    flow.remote.host,
    flow.remote.port,
    binding.source ?? null,
    binding.natted ? 1 : 0,
    binding.serviceRoute,
    binding.scscf,
    binding.registeredAt,
    binding.authenticatedAt ?? null,
    [binding, ...others].map(packContact),
  ];
  return JSON.stringify(packed);
}

function packContact(one: BoundContact): PackedContact {
  const { contact, listed = null, instance = null, callId, cseq, expiresAt } = one;
  return [contact, listed, instance, callId, cseq, expiresAt];
}

/**
 * Over UDP the device is reached again as before. Of a connection only the address is left: nothing reaches it until it
 * registers over another one. @param token its key in the table
 */
export function unpackBinding(text: string, token: string): Binding {
  const [
    impi,
    aor,
    impus,
    transport,
    localHost,
    localPort,
    remoteHost,
    remotePort,
    source,
    natted,
    serviceRoute,
    scscf,
    registeredAt,
    authenticatedAt,
    contacts,
  ] = JSON.parse(text) as Packed;
  const [first, ...others] = contacts.map(unpackContact);
  if (first === undefined) throw new Error("a binding without a Contact");
  const local = { host: localHost, port: localPort };
  const remote = { host: remoteHost, port: remotePort };
  const flow = flowOf(transport, local, remote, token);
  return {
    ...first,
    token,
    impi,
    aor,
    impus,
    flow,
    flowLost: transport !== "udp",
    source: source ?? undefined,
    natted: natted === 1,
    serviceRoute,
    scscf,
    registeredAt,
    authenticatedAt: authenticatedAt ?? undefined,
    others: others.length > 0 ? others : undefined,
  };
}

/** A datagram flow is its addresses, see `FlowCache`; a connection's id must be that of no later one. */
function flowOf(
  transport: Flow["transport"],
  local: Flow["local"],
  remote: Flow["remote"],
  token: string,
): Flow {
  const addresses = `${transport} ${formatHostPort(local)} ${formatHostPort(remote)}`;
  const id = transport === "udp" ? addresses : `before the restart: ${addresses} ${token}`;
  return { id, transport, local, remote };
}

function unpackContact(packed: PackedContact): BoundContact {
  const [contact, listed, instance, callId, cseq, expiresAt] = packed;
  return {
    contact,
    listed: listed ?? undefined,
    instance: instance ?? undefined,
    callId,
    cseq,
    expiresAt,
    heard: 0, // this process has heard nothing yet
  };
}
