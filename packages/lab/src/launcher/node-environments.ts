// The three nodes' settings for one run of the lab, as environment variables.
import { shippedAccounts } from "./accounts.ts";
import type { LabOptions } from "./options.ts";

export interface LabPorts {
  readonly access: number;
  readonly core: number;
  readonly serving: number;
  readonly pcscfHttp: number;
  readonly scscfHttp: number;
  readonly ueHttp: number;
}

export const LAB_HOST = "127.0.0.1";

export function labPorts(offset: number): LabPorts {
  return {
    access: 5060 + offset,
    core: 4060 + offset,
    serving: 6060 + offset,
    pcscfHttp: 9061 + offset,
    scscfHttp: 9062 + offset,
    ueHttp: 9063 + offset,
  };
}

type Environment = Record<string, string>;

/** TS 24.229's N of 600 s would make the demo wait 300 s for the UE: half of this will do. */
const SHORT_N_SECONDS = 8;

/** @param hep `host:port` of the collector that the ladder is fed from */
export function nodeEnvironments(
  options: LabOptions,
  ports: LabPorts,
  hep: string,
): { scscf: Environment; pcscf: Environment; ue: Environment } {
  return {
    scscf: {
      SCSCF_PROFILE: options.profile,
      SCSCF_SIP_HOST: LAB_HOST,
      SCSCF_SIP_PORT: String(ports.serving),
      SCSCF_HTTP_PORT: String(ports.scscfHttp),
      SCSCF_TRUSTED_PEERS: `${LAB_HOST}:${ports.core}`,
      SCSCF_SUBSCRIPTION_EXPIRES: options.expires,
      SCSCF_TRACE_HEP: hep,
      ...(options.profile === "ts24229" && {
        SCSCF_REAUTHENTICATION_DEADLINE_SECONDS: String(SHORT_N_SECONDS),
      }),
    },
    pcscf: {
      PCSCF_PROFILE: options.profile,
      PCSCF_ACCESS_HOST: LAB_HOST,
      PCSCF_ACCESS_PORT: String(ports.access),
      PCSCF_CORE_HOST: LAB_HOST,
      PCSCF_CORE_PORT: String(ports.core),
      PCSCF_SCSCF: `sip:${LAB_HOST}:${ports.serving}`,
      PCSCF_HTTP_PORT: String(ports.pcscfHttp),
      PCSCF_TRACE_HEP: hep,
    },
    ue: ueEnvironment(options, ports, hep),
  };
}

function ueEnvironment(options: LabOptions, ports: LabPorts, hep: string): Environment {
  const { impi, impu, k, op } = shippedAccounts().aka;
  return {
    UE_PROFILE: options.profile,
    UE_STACK: options.stack,
    UE_TRANSPORT: options.transport,
    UE_PCSCF: `sip:${LAB_HOST}:${ports.access}`,
    UE_SIP_HOST: LAB_HOST,
    UE_USER_IMPI: impi,
    UE_USER_IMPU: impu,
    UE_USER_K: k,
    UE_USER_OP: op,
    UE_HTTP_PORT: String(ports.ueHttp),
    UE_TRACE_HEP: hep,
  };
}
