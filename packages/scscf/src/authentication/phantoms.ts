// Users that do not exist, challenged like those that do so that nobody can tell them apart (`hideUnknown`).
import { hash } from "node:crypto";
import { Secret } from "@ims-lab/common/platform/secret";
import { type Hmac, hmacSha256 } from "@ims-lab/common/sip/auth/hmac";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import type { Subscriber, SubscriberCredentials } from "../subscribers/subscriber.ts";

/** So many real users are looked at for how they are challenged. */
const SAMPLE = 256;
/** Nobody's private identity is longer. */
const LONGEST = 256;

export class Phantoms {
  readonly #directory: SubscriberDirectory;
  #model: Model | undefined;

  constructor(directory: SubscriberDirectory) {
    this.#directory = directory;
  }

  /** The same for the same name, after a restart too. Undefined for no name at all. */
  of(name: string): Subscriber | undefined {
    if (name === "" || name.length > LONGEST) return undefined;
    this.#model ??= modelOf(this.#directory);
    const { hmac, credentials } = this.#model;
    const draw = (what: string): Buffer => Buffer.from(hmac(`${what} ${name}`), "base64url");
    const like = credentials[draw("like").readUInt32BE() % Math.max(credentials.length, 1)];
    const impi = ownCopy(name);
    return { impi, impus: [], auth: drawn(like, draw("secret")) };
  }
}

interface Model {
  /** Its key is the users' secrets: nobody else can tell what a phantom will be. */
  readonly hmac: Hmac;
  /** As frequent as among real users. */
  readonly credentials: readonly SubscriberCredentials[];
}

function modelOf(directory: SubscriberDirectory): Model {
  const { size } = directory;
  const count = Math.min(size, SAMPLE);
  const credentials: SubscriberCredentials[] = [];
  const secrets: Buffer[] = [];
  for (let at = 0; at < count; at++) {
    const [subscriber] = directory.list(Math.floor((at * size) / count), 1);
    if (subscriber === undefined) continue;
    const { auth } = subscriber;
    credentials.push(auth);
    secrets.push(auth.scheme === "aka" ? auth.k.reveal() : auth.password.reveal());
  }
  const key = Buffer.from(hash("sha256", Buffer.concat(secrets)), "hex");
  return { hmac: hmacSha256(key), credentials };
}

/** @param octets 32, which nobody knows */
function drawn(like: SubscriberCredentials | undefined, octets: Buffer): SubscriberCredentials {
  if (like?.scheme === "aka") {
    const k = new Secret(octets.subarray(0, 16));
    const opc = new Secret(octets.subarray(16));
    // The AMF stands in AUTN for everybody to see.
    return { scheme: "aka", algorithm: like.algorithm, k, opc, amf: like.amf };
  }
  const algorithms = like?.algorithms ?? ["MD5"];
  return { scheme: "digest", algorithms, password: new Secret(octets) };
}
