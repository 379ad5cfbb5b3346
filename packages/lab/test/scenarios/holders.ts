// The invariant of every scenario: no binding changes its IMPI or its flow without that IMPI's own authentication.
import type { Clock } from "@ims-lab/common/platform/clock";
import { parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { isSip } from "@ims-lab/common/sip/message/uri";
import {
  type Binding as AccessBinding,
  associationOf,
} from "../../../pcscf/src/bindings/binding.ts";
import type { Pcscf } from "../../../pcscf/src/node.ts";
import type { Scscf } from "../../../scscf/src/node.ts";
import type { Binding } from "../../../scscf/src/registration/binding.ts";

/** User part of the topmost Path URI: the P-CSCF's token. */
function pathUser({ address }: Binding): string | undefined {
  const uri = parseNameAddr(address.path[0] ?? "")?.uri;
  return isSip(uri) ? uri.user : undefined;
}

/** Watches every change of the nodes' tables as it is made. */
export class HolderWatch {
  /** What was wrong, in words. */
  readonly violations: string[] = [];
  readonly #clock: Clock;
  readonly #commitMs: number;
  readonly #scscfs: Scscf[] = [];
  /** By the P-CSCF's token: when its holder had last authenticated as the binding was made or moved. */
  readonly #authenticated = new Map<string, number>();
  /** By the S-CSCFs' token: as it was last, at whichever of them; a cluster's users go from one to the other. */
  readonly #last = new Map<string, Binding>();

  /** @param commitMs how long a change may take from its decision until it is made */
  constructor(clock: Clock, commitMs: number) {
    this.#clock = clock;
    this.#commitMs = commitMs;
  }

  watchScscf(scscf: Scscf): void {
    const { bindings } = scscf;
    const put = bindings.put.bind(bindings);
    bindings.put = (binding) => {
      const { token } = binding;
      this.#atScscf(bindings.get(token) ?? this.#last.get(token), binding);
      this.#last.set(token, binding);
      put(binding);
    };
    this.#scscfs.push(scscf);
  }

  watchPcscf({ table }: Pcscf): void {
    const bind = table.bind.bind(table);
    table.bind = (binding) => {
      this.#atPcscf(table.registered(binding.token), binding);
      bind(binding);
    };
  }

  #atScscf(before: Binding | undefined, after: Binding): void {
    const what = `S-CSCF: ${after.address.contact}`;
    if (before !== undefined && before.impi !== after.impi)
      this.violations.push(`${what} was ${before.impi}'s and is ${after.impi}'s`);
    const hasMoved =
      before?.address.path[0] !== after.address.path[0] ||
      before?.address.source !== after.address.source;
    if (hasMoved && this.#clock.now() - after.authenticatedAt > this.#commitMs)
      this.violations.push(`${what} of ${after.impi} moved without authentication`);
    const user = pathUser(after);
    const others = this.#ofPath(user).filter(({ impi }) => impi !== after.impi);
    for (const { impi } of others)
      this.violations.push(`${what}: Path ${user} leads to ${impi} and to ${after.impi}`);
  }

  #atPcscf(before: AccessBinding | undefined, after: AccessBinding): void {
    const { token, impi, contact } = after;
    const what = `P-CSCF: ${contact}`;
    if (before !== undefined && before.impi !== impi)
      this.violations.push(`${what} was ${before.impi}'s and is ${impi}'s`);
    // None when it has gone meanwhile and its 200 was late; of several S-CSCFs one may have died.
    const [authenticated] = this.#ofPath(token).toSorted(
      (a, b) => b.authenticatedAt - a.authenticatedAt,
    );
    if (authenticated === undefined) return;
    if (authenticated.impi !== impi)
      this.violations.push(`${what} is ${impi}'s, ${authenticated.impi} has authenticated`);
    const hasMoved =
      before === undefined || associationOf(before.flow) !== associationOf(after.flow);
    const known = before === undefined ? undefined : this.#authenticated.get(token);
    if (hasMoved && known !== undefined && authenticated.authenticatedAt <= known)
      this.violations.push(`${what} of ${impi} has another flow without authentication`);
    this.#authenticated.set(token, authenticated.authenticatedAt);
  }

  #ofPath(user: string | undefined): readonly Binding[] {
    if (user === undefined) return [];
    return this.#scscfs.flatMap(({ bindings }) => bindings.ofPath(user));
  }
}
