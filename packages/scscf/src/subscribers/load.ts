// The lab's HSS: one YAML file becomes a directory, or a list of everything that is wrong with it.

import { readFileSync } from "node:fs";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { unpackNonce } from "@ims-lab/common/sip/auth/aka";
import { type Place, Place as PlaceInFile, type Problems, parseYaml } from "./checked-yaml.ts";
import { type FileDirectory, subscriberDirectory } from "./directory.ts";
import { readEntries } from "./read-subscribers.ts";
import type { Subscriber } from "./subscriber.ts";

/** What the file says about vectors and nonces. */
export interface VectorOptions {
  readonly aka: {
    /** Another RAND when RES has a zero octet, which SIPp cannot handle. */
    readonly redrawZeroOctets: boolean;
    /** RANDs of 16 octets, taken in turn: reproducible runs, loopback only. */
    readonly fixedVectors: readonly Buffer[];
  };
  readonly digest: {
    /** Nonces taken in turn: reproducible runs, loopback only. */
    readonly fixedNonces: readonly string[];
  };
}

export interface LoadedSubscribers {
  readonly kind: "loaded";
  readonly directory: FileDirectory;
  readonly options: VectorOptions;
  /** Each, and of a template the first. */
  readonly samples: readonly Subscriber[];
  /** Lines for the log, once: each derived OPc, to be put into the device. */
  readonly notices: readonly string[];
}

export interface RefusedSubscribers {
  readonly kind: "refused";
  /** One line each: file, path, value and what is allowed. */
  readonly problems: readonly string[];
}

export type LoadResult = LoadedSubscribers | RefusedSubscribers;

/** From a file; one that cannot be read is a problem like any other. */
export function loadSubscribers(path: string): LoadResult {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const why = reasonOf(error);
    return { kind: "refused", problems: [`${path}: ${why}, expected a readable file`] };
  }
  return parseSubscribers(text, path);
}

/** From text; `name` is what the problems call it. */
export function parseSubscribers(text: string, name = "subscribers"): LoadResult {
  const problems: Problems = [];
  const root = parseYaml(name, text, problems);
  if (root === undefined) return { kind: "refused", problems };
  const members = new PlaceInFile(name, "", root, problems).members([
    "subscribers",
    "aka",
    "digest",
  ]);
  if (members === undefined) return { kind: "refused", problems };
  const { subscribers, templates } = readEntries(members.subscribers);
  const options = readOptions(members.aka, members.digest);
  if (problems.length > 0) return { kind: "refused", problems };
  const firsts = templates.map((template) => template.expand(template.from));
  const samples = [...subscribers, ...firsts];
  return {
    kind: "loaded",
    directory: subscriberDirectory(subscribers, templates),
    options,
    samples,
    notices: samples.flatMap(derivedOpc),
  };
}

/** A line for the log: the OPc to be put into the device. */
export function derivedOpc({ impi, auth }: Subscriber): readonly string[] {
  if (auth.scheme !== "aka" || auth.op === undefined) return [];
  return [`${impi}: OPc derived from OP is ${auth.opc.reveal().toString("hex")}`];
}

function readOptions(aka: Place, digest: Place): VectorOptions {
  const akaMembers = aka.isAbsent ? undefined : aka.members(["redrawZeroOctets", "fixedVectors"]);
  const digestMembers = digest.isAbsent ? undefined : digest.members(["fixedNonces"]);
  const redraw = akaMembers?.redrawZeroOctets.oneOf(["true", "false"], "false");
  return {
    aka: {
      redrawZeroOctets: redraw === "true",
      fixedVectors: texts(akaMembers?.fixedVectors, "RANDs of 32 hexadecimal digits", (text) =>
        /^[0-9a-fA-F]{32}$/.test(text),
      ).map((text) => Buffer.from(text, "hex")),
    },
    digest: {
      fixedNonces: texts(
        digestMembers?.fixedNonces,
        "nonces of letters and digits",
        (text) => /^[A-Za-z0-9._~-]+$/.test(text) && unpackNonce(text) === undefined,
      ),
    },
  };
}

function texts(
  place: Place | undefined,
  allowed: string,
  accepts: (text: string) => boolean,
): readonly string[] {
  if (place === undefined || place.isAbsent) return [];
  const items = place.items(`a list of ${allowed}`) ?? [];
  return items.flatMap((item) => item.text(allowed, accepts) ?? []);
}
