// Campaigns as the S-CSCF's admin interface takes and shows them: `/campaigns`. docs/operations.md.
import type { Page, ReauthenticationEnd } from "./views.ts";

export const campaignStatuses = ["running", "paused", "stopped", "finished"] as const;

/** Patterns: `*` is any text, `?` any character. What is left out matches everybody. */
export interface CampaignFilterOrder {
  readonly impu?: string;
  readonly impi?: string;
  /** `HOST` or `HOST:PORT` of the P-CSCF. */
  readonly pcscf?: string;
  readonly minAuthenticationAgeSeconds?: number;
  /** Of the device's REGISTER; capital and small letters are the same. */
  readonly userAgent?: string;
}

/** `POST /campaigns`. */
export interface CampaignRequest {
  readonly name?: string;
  readonly filter?: CampaignFilterOrder;
  /** Of the devices that match; 100. */
  readonly percent?: number;
  readonly pacePerSecond?: number;
  /** 0 to 1: gaps are up to this share longer; 0. */
  readonly jitter?: number;
  /** Chooses the same users again. */
  readonly seed?: string;
  /** Nobody is asked: the answer is who would be. */
  readonly dryRun?: boolean;
  /** Everybody, or faster than `campaigns.maxPacePerSecond`: yes, that is meant. */
  readonly confirm?: boolean;
}

/** `GET /campaigns`, `GET /campaigns/{id}`, and the answer to each change. */
export interface CampaignView {
  readonly id: string;
  readonly name: string | null;
  readonly status: (typeof campaignStatuses)[number];
  readonly filter: {
    readonly [K in keyof Required<CampaignFilterOrder>]: Required<CampaignFilterOrder>[K] | null;
  };
  readonly percent: number;
  readonly pacePerSecond: number;
  readonly jitter: number;
  readonly seed: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Devices that the filter matched, and those of them that were chosen. */
  readonly matched: number;
  readonly total: number;
  /** `joined` of them while another re-authentication ran. */
  readonly asked: number;
  readonly joined: number;
  /** Gone, or authenticated by themselves, when their turn came. */
  readonly skipped: number;
  /** Still to be asked; asked and without an end. */
  readonly left: number;
  readonly open: number;
  readonly ends: Readonly<Record<ReauthenticationEnd, number>>;
  /** From the campaign's asking to the success, within 5 %; null before the first. */
  readonly latencySeconds: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  } | null;
}

export interface CampaignTarget {
  readonly impi: string;
  readonly impu: string;
  readonly contact: string;
  readonly pcscf: string | null;
  readonly userAgent: string | null;
  readonly authenticatedAt: number;
}

/** The answer to a dry run: who would be asked, in this order. */
export interface CampaignPlan extends Page<CampaignTarget> {
  /** Devices that are registered, and those of them that the filter matches. */
  readonly registered: number;
  readonly matched: number;
  /** Chooses the same users in a campaign. */
  readonly seed: string;
  /** Until the last one is asked. */
  readonly durationSeconds: number;
  /** What a campaign like that must be confirmed for. */
  readonly concerns: readonly string[];
}
