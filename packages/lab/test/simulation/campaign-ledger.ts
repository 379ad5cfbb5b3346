// The ledger of campaigns: those whom they have asked, from the rows that were kept and the events that were told.
import type { Campaign } from "../../../scscf/src/campaigns/campaign.ts";
import { endedOf } from "../../../scscf/src/campaigns/campaign.ts";
import type { Binding } from "../../../scscf/src/registration/binding.ts";
import type { RegistrationEvent } from "../../../scscf/src/registration/events.ts";
import type { Asker } from "../../../scscf/src/registration/reauthentication.ts";
import { CAMPAIGNS_COUNT } from "./invariants.ts";
import type { Judge } from "./surroundings.ts";

const PREFIX = "campaign:";

/** Ids of re-authentications. */
interface Seen {
  readonly asked: Set<string>;
  readonly ended: Set<string>;
}

export class CampaignLedger {
  readonly #judge: Judge;
  readonly #seen = new Map<string, Seen>();
  /** By token: what its binding was asked, as it was kept last. */
  readonly #running = new Map<string, { readonly id: string; readonly askers: readonly Asker[] }>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** The store has it. */
  kept(token: string, binding: Binding | undefined): void {
    const before = this.#running.get(token);
    const due = binding?.reauthentication;
    if (before !== undefined && before.id !== due?.id) this.#ended(before.id, before.askers);
    if (due === undefined) {
      this.#running.delete(token);
      return;
    }
    this.#running.set(token, due);
    for (const seen of this.#campaignsOf(due.askers)) seen.asked.add(due.id);
  }

  /** One that was asked and ended in one commit is in no row. */
  happened(event: RegistrationEvent): void {
    if (event.kind !== "reauthentication-ended") return;
    const { id, askers } = event.reauthentication;
    this.#ended(id, askers);
  }

  #ended(id: string, askers: readonly Asker[]): void {
    for (const { asked, ended } of this.#campaignsOf(askers)) {
      asked.add(id);
      ended.add(id);
    }
  }

  /** The S-CSCF is gone with all that it knew. */
  forgotten(): void {
    this.#seen.clear();
    this.#running.clear();
  }

  judge(campaigns: readonly Campaign[]): void {
    for (const { id, asked, ends } of campaigns) {
      const seen = this.#seen.get(id);
      this.#judge(CAMPAIGNS_COUNT, {
        id,
        asked: seen?.asked.size ?? 0,
        ended: seen?.ended.size ?? 0,
        saysAsked: asked,
        saysEnded: endedOf(ends),
      });
    }
  }

  #campaignsOf(askers: readonly Asker[]): readonly Seen[] {
    return askers.flatMap(({ cause }) => {
      if (!cause.startsWith(PREFIX)) return [];
      const id = cause.slice(PREFIX.length);
      const seen = this.#seen.get(id) ?? { asked: new Set(), ended: new Set() };
      this.#seen.set(id, seen);
      return [seen];
    });
  }
}
