// The users of a UE process, made from its settings: `{n}` is each UE's number. Design section 6.
import { deriveOpc } from "@ims-lab/common/ims/milenage";
import { SettingError } from "@ims-lab/common/platform/config/error";
import type { Random } from "@ims-lab/common/platform/random";
import type { UeConfig, UserConfig } from "./config.ts";
import type { Secret } from "./isim/answer.ts";
import { Isim } from "./isim/isim.ts";
import { UserCredentials } from "./isim/user-credentials.ts";
import { fileWindow, memoryWindow, type SqnWindowStore } from "./isim/window-store.ts";
import type { User } from "./user-equipment.ts";

/** Throws SettingError for a file of sequence numbers that cannot be used. */
export function usersOf(
  config: UeConfig,
  { random }: { readonly random: Random },
): readonly User[] {
  return Array.from({ length: config.count }, (_, index) => {
    const { user } = config;
    const numbered = numberedBy(user.first + index);
    const impi = numbered(user.impi);
    const domain = impi.split("@")[1] ?? "";
    const secret = secretOf(user, impi, numbered);
    return {
      impi,
      impu: numbered(user.impu),
      domain,
      credentials: new UserCredentials({ secret, realm: domain, random }),
    };
  });
}

function numberedBy(number: number): (text: string) => string {
  return (text) => text.replaceAll("{n}", String(number));
}

/** The schema has made sure that there is a key, with OP or OPc, or a password. */
function secretOf(user: UserConfig, impi: string, numbered: (text: string) => string): Secret {
  if (user.password !== undefined) {
    return { scheme: "digest", impi, password: Buffer.from(numbered(user.password.reveal())) };
  }
  const k = Buffer.from(user.k?.reveal() ?? "", "hex");
  const opc =
    user.opc === undefined
      ? deriveOpc(k, Buffer.from(user.op?.reveal() ?? "", "hex"))
      : Buffer.from(user.opc.reveal(), "hex");
  return { scheme: "aka", impi, isim: isimOf(k, opc, user.sqnFile, numbered) };
}

function isimOf(
  k: Buffer,
  opc: Buffer,
  sqnFile: string | undefined,
  numbered: (text: string) => string,
): Isim {
  const store: SqnWindowStore =
    sqnFile === undefined ? memoryWindow() : fileWindow(numbered(sqnFile));
  try {
    return new Isim(k, opc, store);
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem);
    throw new SettingError("user.sqnFile", sqnFile, `a readable file of sequence numbers: ${why}`);
  }
}
