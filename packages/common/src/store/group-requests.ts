// Requests to other nodes for groups of rows that they own: one message per owner, and a wait of half a second at most.
import type { Clock } from "../platform/clock.ts";

/** An owner that lives and does not answer in this time is not waited for. */
const HANDOVER_MS = 500;

interface PendingGroups {
  readonly groups: Set<string>;
  allGiven(): void;
}

export class GroupRequests {
  readonly #node: string;
  readonly #clock: Clock;
  readonly #tell: (node: string, text: string) => Promise<number>;
  readonly #pending = new Set<PendingGroups>();

  /** @param node that asks  @param tell resolves to how many have heard it */
  constructor(node: string, clock: Clock, tell: (node: string, text: string) => Promise<number>) {
    this.#node = node;
    this.#clock = clock;
    this.#tell = tell;
  }

  /**
   * Resolves when all have been given, or somebody does not answer in time: to what tells whether one was.
   * @param owned groups, each with its owner as Redis has it: node and fence
   */
  async ask(owned: readonly (readonly [string, string])[]): Promise<(group: string) => boolean> {
    const byOwner = new Map<string, string[]>();
    for (const [group, owner] of owned) {
      const [node = ""] = owner.split(" ");
      byOwner.set(node, [...(byOwner.get(node) ?? []), group]);
    }
    const left = new Set(owned.map(([group]) => group));
    const { promise: allGiven, resolve } = Promise.withResolvers<void>();
    const pending = { groups: left, allGiven: resolve };
    this.#pending.add(pending);
    const late = new Promise<void>((resolve) => void this.#clock.after(HANDOVER_MS, resolve));
    try {
      let hearing = 0;
      for (const [node, groups] of byOwner)
        hearing += await this.#tell(
          node,
          JSON.stringify({ kind: "wanted", by: this.#node, groups }),
        );
      // A node that hears nothing is not there any more, whatever its lease says.
      if (hearing === byOwner.size) await Promise.race([allGiven, late]);
    } finally {
      this.#pending.delete(pending);
    }
    return (group) => !left.has(group);
  }

  given(groups: readonly string[]): void {
    for (const pending of this.#pending) {
      for (const group of groups) pending.groups.delete(group);
      if (pending.groups.size === 0) pending.allGiven();
    }
  }
}
