// A campaign: an order to have many users authenticate again at a pace, how far it has come, what may happen to it.
import type { ReauthenticationEnd } from "@ims-lab/common/admin-api/views";
import type { LatencyHistogram } from "./latency-histogram.ts";

/** Whom it is for: devices that meet all of what is given. Patterns as `platform/glob.ts` has them. */
export interface CampaignFilter {
  /** Of any identity of the device's implicit registration set. */
  readonly impu?: string;
  readonly impi?: string;
  /** `HOST` or `HOST:PORT` of the topmost Path. */
  readonly pcscf?: string;
  /** Seconds since the device authenticated last, at least, when the campaign begins. */
  readonly minAuthenticationAgeSeconds?: number;
  /** Capital and small letters are the same. */
  readonly userAgent?: string;
}

export interface CampaignOrder {
  readonly name?: string;
  readonly filter: CampaignFilter;
  /** Of the devices that the filter matches: above 0, at most 100. */
  readonly percent: number;
  readonly pacePerSecond: number;
  /** 0 to 1: each gap between two askings is up to this share of itself longer. */
  readonly jitter: number;
  /** Chooses whom, where it is not everybody: the same seed, the same users. */
  readonly seed: string;
}

export type CampaignStatus = "running" | "paused" | "stopped" | "finished";

/** Plain data: a row of the store. Times are milliseconds since the epoch. */
export interface Campaign extends CampaignOrder {
  readonly id: string;
  readonly status: CampaignStatus;
  /** Whole milliseconds: who registered or authenticated later is not asked. */
  readonly startedAt: number;
  /** When it was stopped, or the last one that it asked had an end. */
  readonly endedAt?: number;
  /** Devices that the filter matched at the start. */
  readonly matched: number;
  /** Those of them that were chosen. */
  readonly total: number;
  /** Users whose share (`shareOf`) is not above it are chosen. */
  readonly threshold: number;
  /** Devices that were asked; `joined` of them while another re-authentication ran. */
  readonly asked: number;
  readonly joined: number;
  /** Devices that had gone, or had authenticated by themselves, when their turn came. */
  readonly skipped: number;
  /** Of those that were asked. */
  readonly ends: { readonly [E in ReauthenticationEnd]?: number };
  /** From the campaign's asking to the success. */
  readonly latency: LatencyHistogram;
}

export type CampaignInput =
  /** A device's re-authentication is due because of the campaign. */
  | { readonly kind: "asked"; readonly joined: boolean }
  | { readonly kind: "skipped"; readonly count: number; readonly at: number }
  | {
      readonly kind: "ended";
      readonly end: ReauthenticationEnd;
      readonly milliseconds: number;
      readonly at: number;
    }
  | { readonly kind: "paused" }
  | { readonly kind: "resumed" }
  | { readonly kind: "stopped"; readonly at: number }
  /** After a restart: devices that are still to be asked, and re-authentications that it waits for. */
  | {
      readonly kind: "recounted";
      readonly left: number;
      readonly open: number;
      readonly at: number;
    };

export type CampaignChange = "started" | "paused" | "resumed" | "stopped" | "finished";

export type CampaignEffect =
  | { readonly kind: "ask" } // go on with asking, at the pace
  | { readonly kind: "hold" } // ask nobody
  | { readonly kind: "tell"; readonly change: CampaignChange };

export interface CampaignStep {
  readonly state: Campaign;
  readonly effects: readonly CampaignEffect[];
}

/** Devices whose turn has not come. */
export function leftOf({ total, asked, skipped }: Campaign): number {
  return Math.max(0, total - asked - skipped);
}

/** Re-authentications that it has asked for and that have no end yet. */
export function openOf({ asked, ends }: Campaign): number {
  return Math.max(0, asked - endedOf(ends));
}

export function endedOf(ends: Campaign["ends"]): number {
  return Object.values(ends).reduce((sum, count) => sum + count, 0);
}
