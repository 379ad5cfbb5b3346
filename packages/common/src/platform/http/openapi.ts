// The OpenAPI 3.1 document of an admin interface: the routes' own schemas, and how errors are answered.
import type { FastifyInstance } from "fastify";

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  [name: string]: Json | undefined;
}

export const OPENAPI_VERSION = "3.1.0";

/** RFC 9457. */
const PROBLEM: JsonObject = {
  description: "What is wrong, and what to do (RFC 9457).",
  content: {
    "application/problem+json": {
      schema: {
        type: "object",
        properties: {
          type: { type: "string" },
          title: { type: "string" },
          status: { type: "integer" },
          detail: { type: "string" },
          parameter: { type: "string", description: "The parameter or property that is wrong." },
          count: { type: "integer", description: "How many it is about." },
          mistakes: {
            type: "array",
            description: "Of an import: the first of what is wrong, line by line.",
            items: {
              type: "object",
              properties: { line: { type: "integer" }, why: { type: "string" } },
              required: ["line", "why"],
            },
          },
        },
        required: ["type", "title", "status"],
      },
    },
  },
};

/** What fastify's plugin made of the routes, with what it cannot know. */
export function openApiOf(app: FastifyInstance): object {
  const document = JSON.parse(JSON.stringify(app.swagger())) as JsonObject;
  for (const path of Object.values(asObject(document["paths"]))) {
    for (const operation of Object.values(asObject(path)).map(asObject)) complete(operation);
  }
  return document;
}

function complete(operation: JsonObject): void {
  const body = operation["requestBody"];
  if (body !== undefined) asObject(body)["required"] = !mayBeMissing(asObject(body));
  operation["responses"] = { ...asObject(operation["responses"]), default: PROBLEM };
}

/** A route whose body may be null does without one. */
function mayBeMissing({ content }: JsonObject): boolean {
  return Object.values(asObject(content)).some((media) => {
    const { type } = asObject(asObject(media)["schema"]);
    return Array.isArray(type) && type.includes("null");
  });
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}
