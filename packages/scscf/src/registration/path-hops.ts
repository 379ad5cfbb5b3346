// The hosts that Path values name, each with the number of bindings behind it. RFC 3327 §5.3.
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";

export class PathHops {
  readonly #bindings = new Map<string, number>();

  has(host: string, port: number): boolean {
    return this.#bindings.has(`${host} ${port}`);
  }

  /** A binding has come, has gone or is behind another Path. @param before @param after topmost Path values */
  moved(before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    this.#count(after, 1);
    this.#count(before, -1);
  }

  #count(path: string | undefined, change: number): void {
    const uri = path === undefined ? undefined : sipUriOfPath(path);
    const to = uri && destinationOf(uri);
    if (to === undefined || "flow" in to) return;
    const key = `${to.host} ${to.port}`;
    const count = (this.#bindings.get(key) ?? 0) + change;
    if (count > 0) this.#bindings.set(key, count);
    else this.#bindings.delete(key);
  }
}
