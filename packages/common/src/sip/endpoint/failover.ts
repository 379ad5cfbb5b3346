// A request to a host name: one target after the other until one serves. RFC 3263 §4.3.
import type { LocatedServer } from "../dns/locate.ts";
import type { RunningClient } from "../transaction/client.ts";
import type { ClientTransaction, RequestFailure, ResponseHandlers } from "../transaction/user.ts";

export interface TargetFailoverPort {
  newClient(handlers: ResponseHandlers): RunningClient;
  start(client: RunningClient, target: LocatedServer): void;
  /** It was of no use: others come first for a while. */
  noteUnavailable(target: LocatedServer, why: RequestFailure | "503"): void;
}

export class TargetFailover implements ClientTransaction {
  readonly #port: TargetFailoverPort;
  readonly #user: ResponseHandlers;
  #left: readonly LocatedServer[] = [];
  #client: RunningClient;
  /** Why, once it is. */
  #cancelled: readonly string[] | undefined;

  constructor(port: TargetFailoverPort, user: ResponseHandlers) {
    this.#port = port;
    this.#user = user;
    this.#client = port.newClient(user);
  }

  get branch(): string {
    return this.#client.branch;
  }

  cancel(reasons: readonly string[] = []): void {
    this.#cancelled = reasons;
    this.#client.cancel(reasons);
  }

  abandon(): void {
    this.#left = [];
    this.#client.abandon();
  }

  /** @param targets best first; none: the name leads nowhere */
  located(targets: readonly LocatedServer[]): void {
    const [first, ...left] = targets;
    if (first === undefined) {
      this.#client.failToStart("unresolved");
      return;
    }
    this.#left = left;
    if (left.length === 0) this.#port.start(this.#client, first);
    else this.#try(first);
  }

  #try(target: LocatedServer): void {
    let heard = false;
    const goesOn = (why: RequestFailure | "503"): boolean => {
      this.#port.noteUnavailable(target, why);
      // A target that has begun to answer has taken the request; nobody is asked after a CANCEL.
      return !heard && this.#cancelled === undefined && this.#next();
    };
    this.#client.abandon();
    this.#client = this.#port.newClient({
      onResponse: (response, flow) => {
        if (response.status === 503 && goesOn("503")) return;
        heard = true;
        this.#user.onResponse(response, flow);
      },
      onFailure: (why) => {
        if (!goesOn(why)) this.#user.onFailure(why);
      },
    });
    // While the name was looked up.
    if (this.#cancelled !== undefined) this.#client.cancel(this.#cancelled);
    this.#port.start(this.#client, target);
  }

  #next(): boolean {
    const [next, ...left] = this.#left;
    if (next === undefined) return false;
    this.#left = left;
    this.#try(next);
    return true;
  }
}
