// Settings of the webhook: where ends are told, and the secret that signs them.
import type { Impossible } from "@ims-lab/common/platform/config";
import type { Secret } from "@ims-lab/common/platform/secret";
import {
  integer,
  optional,
  type SchemaOf,
  seconds,
  secret,
  textThat,
} from "@ims-lab/common/platform/settings";

export interface WebhookSettings {
  readonly url: string | undefined;
  readonly secret: Secret | undefined;
  readonly timeoutSeconds: number;
  readonly maxAttempts: number;
  readonly maxQueued: number;
}

export const webhookSettings: SchemaOf<WebhookSettings> = {
  url: optional(
    textThat({
      doc: "Told of ended re-authentications and campaigns (POST).",
      allowed: "an http or https URL without user and password",
      accepts: isTarget,
      default: "",
    }),
  ),
  secret: secret({ doc: "Signs what is told; needed with webhook.url.", minLength: 16 }),
  timeoutSeconds: seconds({ doc: "Time for its answer.", min: 0.1, max: 60, default: 5 }),
  maxAttempts: integer({
    doc: "Attempts to tell it, each after a longer pause; then it is given up.",
    min: 1,
    max: 100,
    default: 10,
  }),
  maxQueued: integer({
    doc: "Ends that wait to be told; for more the oldest are dropped.",
    min: 1,
    max: 100_000,
    default: 1_000,
  }),
};

function isTarget(written: string): boolean {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.host !== "";
}

export function impossibleWebhook({ url, secret }: WebhookSettings): readonly Impossible[] {
  if (url === undefined || secret !== undefined) return [];
  return [{ key: "webhook.secret", allowed: "text of at least 16 characters with webhook.url" }];
}
