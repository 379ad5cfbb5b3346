// A campaign over many subscribed users: the pace it keeps, what it costs; measured in a process of its own.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { say } from "../output.ts";

export interface CampaignResult {
  readonly users: number;
  /** Askings per second: as set, as reached, and the most that any second had. */
  readonly pace: number;
  readonly reached: number;
  readonly most: number;
  /** Of both nodes, requests and responses. */
  readonly retransmissions: number;
  /** "100000 reauthenticated" */
  readonly ends: string;
  /** Microseconds on a CPU per re-authentication, the devices' share included; share of the time. */
  readonly cpu: number;
  readonly share: number;
  /** Milliseconds from the asking to the success. */
  readonly p50: number;
  readonly p99: number;
}

/** Registering takes a few milliseconds a user on a slow machine, and the campaign as long as its pace says. */
const LONGEST_MS = 120_000;
const LONGEST_MS_PER_USER = 50;
const OLD_SPACE_MB = 4096;

export async function measureCampaign(options: {
  readonly users: number;
  readonly pace: number;
}): Promise<CampaignResult> {
  const { users, pace } = options;
  const minutes = (users / pace / 60).toFixed(1);
  say(
    `campaign: ${users} users register and subscribe, then authenticate again, ${minutes} minutes`,
  );
  const child = fileURLToPath(new URL("./child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`--max-old-space-size=${OLD_SPACE_MB}`, child, String(users), String(pace)],
    { timeout: Math.ceil(LONGEST_MS + users * LONGEST_MS_PER_USER + (2_000 * users) / pace) },
  );
  return JSON.parse(stdout) as CampaignResult;
}

/** Why it is no proof of what a campaign does; empty where it is. */
export function spoiltCampaign(result: CampaignResult): readonly string[] {
  const { users, pace, most, retransmissions, ends } = result;
  const found: string[] = [];
  if (retransmissions > 0) found.push(`campaign: the nodes repeated ${retransmissions} messages`);
  if (most > pace) found.push(`campaign: ${most} were asked within a second, not ${pace}`);
  if (ends !== `${users} reauthenticated`) found.push(`campaign: ${ends} of ${users}`);
  return found;
}
