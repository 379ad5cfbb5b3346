// The users of a UE process, made from its settings: `{n}` is each UE's number.

import { deriveOpc } from "@ims-lab/common/ims/milenage";
import { newSqnWindow, type SqnWindow } from "@ims-lab/common/ims/sqn";
import { SettingError } from "@ims-lab/common/platform/config/error";
import type { Random } from "@ims-lab/common/platform/random";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import type { UeConfig, UserConfig } from "./config.ts";
import type { Secret } from "./isim/answer.ts";
import { Isim, type IsimFaults } from "./isim/isim.ts";
import {
  fileSqnStore,
  memorySqnStore,
  type SqnFile,
  type SqnWindowStore,
  toleratingWriteFailures,
} from "./isim/sqn-store.ts";
import { UserCredentials } from "./isim/user-credentials.ts";
import type { User } from "./user-equipment.ts";

interface UserTools {
  readonly random: Random;
  /** A file of sequence numbers cannot be written any more. */
  onFileFailed?(path: string, why: string): void;
  /** What the card of this user does wrong; absent: nothing. */
  faultsOf?(impi: string): IsimFaults;
}

/** Throws SettingError for a file of sequence numbers that cannot be used. */
export function usersOf(config: UeConfig, tools: UserTools): readonly User[] {
  return Array.from({ length: config.count }, (_, index) => {
    const { user } = config;
    const numbered = numberedBy(user.first + index);
    const impi = numbered(user.impi);
    const domain = impi.split("@")[1] ?? "";
    const file = user.sqnFile === undefined ? undefined : fileSqnStore(numbered(user.sqnFile));
    const window = file && read(file, user.sqnFile);
    const fixed = user.instance === undefined ? undefined : numbered(user.instance);
    const instance = fixed ?? file?.instance ?? newInstance(tools.random);
    const store = file && opened(file, { instance, window, path: user.sqnFile ?? "" }, tools);
    const secret = secretOf(user, { impi, numbered, store });
    return {
      impi,
      impu: numbered(user.impu),
      domain,
      instance,
      hasIsim: secret.scheme === "aka",
      credentials: new UserCredentials({
        secret,
        realm: domain,
        random: tools.random,
        faults: () => tools.faultsOf?.(impi) ?? {},
      }),
    };
  });
}

/** RFC 5626 §4.1, RFC 4122 §4.4: random, so that it cannot be guessed from the identity. */
function newInstance(random: Random): string {
  const hex = random.hex(16);
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`];
  return `urn:uuid:${[...parts, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-")}`;
}

function numberedBy(number: number): (text: string) => string {
  return (text) => text.replaceAll("{n}", String(number));
}

interface Card {
  readonly instance: string;
  readonly window: SqnWindow | undefined;
  readonly path: string;
}

function read(file: SqnFile, path: string | undefined): SqnWindow | undefined {
  return orRefuse(path, "readable", () => file.load());
}

/** Written once before anything depends on it: on a full or read-only disk the UE does not start. */
function opened(file: SqnFile, { instance, window, path }: Card, tools: UserTools): SqnWindowStore {
  file.instance = instance;
  orRefuse(path, "writable", () => file.save(window ?? newSqnWindow()));
  return toleratingWriteFailures(file, (why) => tools.onFileFailed?.(path, why));
}

function orRefuse<T>(path: string | undefined, kind: string, use: () => T): T {
  try {
    return use();
  } catch (problem) {
    const why = reasonOf(problem);
    throw new SettingError("user.sqnFile", path, `a ${kind} file of sequence numbers: ${why}`);
  }
}

interface SecretParts {
  readonly impi: string;
  readonly numbered: (text: string) => string;
  readonly store: SqnWindowStore | undefined;
}

/** The schema has made sure that there is a key, with OP or OPc, or a password. */
function secretOf(user: UserConfig, { impi, numbered, store }: SecretParts): Secret {
  if (user.password !== undefined) {
    return { scheme: "digest", impi, password: Buffer.from(numbered(user.password.reveal())) };
  }
  const k = Buffer.from(user.k?.reveal() ?? "", "hex");
  const opc =
    user.opc === undefined
      ? deriveOpc(k, Buffer.from(user.op?.reveal() ?? "", "hex"))
      : Buffer.from(user.opc.reveal(), "hex");
  return { scheme: "aka", impi, isim: new Isim(k, opc, store ?? memorySqnStore()) };
}
