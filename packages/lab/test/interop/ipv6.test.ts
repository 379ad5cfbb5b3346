// SIPp over IPv6 through real sockets, also where the core behind the P-CSCF is IPv4, and the other way round.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, startLab } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";
import { packUsers, runSipp } from "./sipp.ts";

const V6 = "::1";
const { aka } = shippedAccounts();

requirePrograms(["sipp"]);

describe.each([
  { access: V6, core: V6 },
  { access: V6, core: LOOPBACK },
  { access: LOOPBACK, core: V6 },
])("access $access, core $core", ({ access: host, core }) => {
  let lab: RunningLab;
  let admin: LabAdmin;

  beforeAll(async () => {
    const [own = 0, serving = 0] = await freePorts(2);
    lab = await startLab({
      scscf: {
        SCSCF_SIP_HOST: core,
        SCSCF_SIP_PORT: String(serving),
        SCSCF_TRUSTED_PEERS: formatHostPort({ host: core, port: own }),
      },
      pcscf: {
        PCSCF_ACCESS_HOST: host,
        PCSCF_CORE_HOST: core,
        PCSCF_CORE_PORT: String(own),
        PCSCF_SCSCF: `sip:${formatHostPort({ host: core, port: serving })}`,
      },
    });
    admin = new LabAdmin(lab);
  });

  afterAll(() => lab?.stop());

  test.each(["udp", "tcp"] as const)(
    "%s: registers, subscribes, is re-authenticated",
    async (transport) => {
      const users = packUsers("aka");
      const { access } = lab.ports;
      const event = OWN_PACKAGE;
      const [result, ends] = await Promise.all([
        runSipp({ scenario: "reauthenticate", users, access, host, transport, event }),
        admin.reauthenticateOnceSubscribed(aka.impu, 20),
      ]);
      expect(result, result.errors).toMatchObject({ exitCode: 0 });
      expect(ends).toEqual(["reauthenticated"]);
      await admin.untilGone(aka.impu, 5000);
      expect(lab.complaints).toEqual([]);
    },
  );
});
