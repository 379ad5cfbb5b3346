// A schema's settings by path, with their environment names.
import type { Setting } from "../settings.ts";

export interface Leaf {
  readonly setting: Setting<unknown>;
  /** SCSCF_SUBSCRIPTION_DEADLINE_SECONDS. */
  readonly env: string;
}

/** Paths ("subscription.deadlineSeconds") in the order of the schema. */
export function leavesOf(node: string, schema: object): ReadonlyMap<string, Leaf> {
  return new Map(walk(node, schema, ""));
}

function* walk(node: string, group: object, prefix: string): Generator<readonly [string, Leaf]> {
  for (const [name, inner] of Object.entries(group)) {
    const key = prefix + name;
    if (isSetting(inner)) {
      // convict takes a group with a member of this name for a setting.
      if (name === "default") throw new Error(`${key}: no setting can be called "default"`);
      yield [key, { setting: inner, env: inner.env ?? environmentName(node, key) }];
    } else {
      yield* walk(node, inner, `${key}.`);
    }
  }
}

function isSetting(inner: object): inner is Setting<unknown> {
  return "read" in inner && typeof inner.read === "function";
}

function environmentName(node: string, key: string): string {
  const snake = key.replace(/([a-z\d])([A-Z])/g, "$1_$2").replaceAll(".", "_");
  return `${node}_${snake.toUpperCase()}`;
}
