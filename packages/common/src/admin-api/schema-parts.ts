// Parts of the JSON Schemas of the admin interfaces.

export type Schema = Readonly<Record<string, unknown>>;

/** All of them are always there, and no others. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  const required = Object.keys(properties);
  return { type: "object", properties, required, additionalProperties: false };
}

export const textSchema: Schema = { type: "string" };
/** AJV, in strict mode, has no type that is two. */
export const integerOrText: Schema = { anyOf: [{ type: "integer" }, textSchema] };
export const maybeText: Schema = { type: ["string", "null"] };
export const textsSchema: Schema = { type: "array", items: textSchema };
export const flagSchema: Schema = { type: "boolean" };
export const count: Schema = { type: "integer", minimum: 0 };
export const maybeCount: Schema = { type: ["integer", "null"], minimum: 0 };
/** Milliseconds since the epoch. */
export const time: Schema = { type: "integer" };
export const maybeTime: Schema = { type: ["integer", "null"] };

export function wordSchema(...words: readonly string[]): Schema {
  return { type: "string", enum: words };
}

export function maybe(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

export function list(items: Schema): Schema {
  return { type: "array", items };
}

export function pageOf(items: Schema): Schema {
  return object({ items: list(items), total: count });
}
