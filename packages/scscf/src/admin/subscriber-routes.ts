// The admin interface of the S-CSCF: subscribers, read, put, removed and imported. docs/operations.md.
import { impiParams } from "@ims-lab/common/admin-api/path-parameters";
import { pageOf } from "@ims-lab/common/admin-api/schema-parts";
import {
  importAnswerSchema,
  subscriberRemovedSchema,
  subscriberSchema,
} from "@ims-lab/common/admin-api/schemas";
import {
  type ImportAnswer,
  type ImportFormat,
  type ImportMistake,
  importFormats,
  type SubscriberRemoved,
} from "@ims-lab/common/admin-api/views";
import { type PageQuery, pageQuerySchema } from "@ims-lab/common/platform/http/page";
import { HttpProblem, problem } from "@ims-lab/common/platform/http/problem";
import type { FastifyInstance, onRequestHookHandler } from "fastify";
import type { Scscf } from "../node.ts";
import { type Imported, ImportRefused, importSubscribers } from "../provisioning/import.ts";
import { LONGEST_IMPORT } from "../provisioning/import-text.ts";
import { NotStored, TooManyChanges } from "../provisioning/provisioning.ts";
import { readSubscriberBody } from "../provisioning/read-json.ts";
import { subscriberView } from "./subscriber-view.ts";

/** What an import may be called; its format is told by its content. */
const IMPORT_TYPES: readonly string[] = ["text/csv", "text/plain", "application/yaml"];

export function addSubscribers(app: FastifyInstance, scscf: Scscf): void {
  addReading(app, scscf);
  addPut(app, scscf);
  addRemoval(app, scscf);
  addImport(app, scscf);
}

function addReading(app: FastifyInstance, scscf: Scscf): void {
  const { directory } = scscf;
  app.get<{ Querystring: PageQuery }>(
    "/subscribers",
    {
      schema: {
        summary: "Who there is, without secrets.",
        querystring: pageQuerySchema,
        response: { 200: pageOf(subscriberSchema) },
      },
    },
    ({ query: { offset, limit } }) => ({
      items: directory.list(offset, limit).map((one) => subscriberView(scscf, one)),
      total: directory.size,
    }),
  );
  app.get<{ Params: { impi: string } }>(
    "/subscribers/:impi",
    {
      schema: {
        summary: "One subscriber, without secrets.",
        params: impiParams,
        response: { 200: subscriberSchema },
      },
    },
    ({ params: { impi } }) => {
      const subscriber = directory.byImpi(impi);
      if (subscriber === undefined) throw unknown(impi);
      return subscriberView(scscf, subscriber);
    },
  );
}

function addPut(app: FastifyInstance, scscf: Scscf): void {
  app.put<{ Params: { impi: string }; Body: object }>(
    "/subscribers/:impi",
    {
      schema: {
        summary: "Add or replace a subscriber, as an entry of the subscribers file.",
        description:
          "Members as in the subscribers file. Without auth, a subscriber who is there keeps its credentials. With If-None-Match: * one who is there is left alone (412).",
        params: impiParams,
        body: { type: "object", additionalProperties: true },
        response: { 200: subscriberSchema, 201: subscriberSchema },
      },
    },
    async ({ params: { impi }, body, headers }, reply) => {
      const read = readSubscriberBody(impi, body, scscf.directory.byImpi(impi));
      if (!("impi" in read)) throw problem(400, "Bad subscriber", read.join("; "));
      const isNew = headers["if-none-match"] === "*";
      const result = await kept(scscf.provisioning.put(read, { isNew }));
      if (result === undefined)
        throw problem(
          412,
          "There already",
          `${impi} is there: leave If-None-Match (imslab: give --replace) to replace it.`,
        );
      if (result !== "unchanged") scscf.provisioning.note([read]);
      reply.code(result === "created" ? 201 : 200);
      return subscriberView(scscf, read);
    },
  );
}

function addRemoval(app: FastifyInstance, scscf: Scscf): void {
  app.delete<{ Params: { impi: string } }>(
    "/subscribers/:impi",
    {
      schema: {
        summary: "Remove a subscriber; its devices are de-registered as rejected.",
        params: impiParams,
        response: { 200: subscriberRemovedSchema },
      },
    },
    async ({ params: { impi } }) => {
      const contacts = await kept(scscf.provisioning.remove(impi));
      if (contacts === undefined) throw unknown(impi);
      return { impi, contacts } satisfies SubscriberRemoved;
    },
  );
}

interface ImportQuery {
  readonly format: ImportFormat | "auto";
  readonly replace: boolean;
  readonly dryRun: boolean;
}

function addImport(app: FastifyInstance, scscf: Scscf): void {
  const querystring = {
    type: "object",
    properties: {
      format: { type: "string", enum: ["auto", ...importFormats], default: "auto" },
      replace: {
        type: "boolean",
        default: false,
        description: "Replace those that are there already, instead of refusing the import.",
      },
      dryRun: { type: "boolean", default: false, description: "Only say what would happen." },
    },
    additionalProperties: false,
  } as const;
  const schema = {
    summary: "Add many subscribers, all or none of them.",
    consumes: IMPORT_TYPES,
    querystring,
    body: { type: "string" },
    response: { 200: importAnswerSchema },
  };
  const imports = oneAtATime();
  // Text is a body here alone.
  app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...IMPORT_TYPES], { parseAs: "string" }, (_request, body, taken) =>
      taken(null, body),
    );
    scope.addContentTypeParser("*", (_request, _payload, taken) =>
      taken(problem(415, "Body of another type", `Use ${IMPORT_TYPES.join(", ")}.`)),
    );
    scope.post<{ Querystring: ImportQuery; Body: string }>(
      "/subscribers/import",
      { schema, bodyLimit: LONGEST_IMPORT, onRequest: imports.enter },
      async ({ query, body }) => {
        const { format, ...rest } = query;
        const options = { ...rest, ...(format !== "auto" && { format }) };
        const imported = imports.during(() => importSubscribers(scscf, body, options));
        return answerOf(await kept(imported), query.dryRun);
      },
    );
    done();
  });
}

interface OneAtATime {
  /** Before the body is read: an import takes memory, and a thread. */
  readonly enter: onRequestHookHandler;
  /** It goes on when its client has hung up. */
  during<T>(work: () => Promise<T>): Promise<T>;
}

function oneAtATime(): OneAtATime {
  let [isAsked, isAtWork] = [false, false];
  return {
    enter: (_request, reply, next) => {
      if (isAsked || isAtWork)
        throw problem(409, "Import under way", "One at a time: try again when it is over.");
      isAsked = true;
      const over = (): void => {
        isAsked = false;
      };
      reply.raw.once("finish", over).once("close", over);
      next();
    },
    async during(work) {
      isAtWork = true;
      try {
        return await work();
      } finally {
        isAtWork = false;
      }
    },
  };
}

function answerOf({ read, counts }: Imported, dryRun: boolean): ImportAnswer {
  const { format, unusedColumns } = read;
  return { format, ...counts, unusedColumns, dryRun };
}

/** What keeps a change from happening, as a problem. */
async function kept<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (thrown) {
    if (thrown instanceof NotStored)
      throw problem(503, "Not stored", `Nothing has changed: ${thrown.message}.`);
    if (thrown instanceof TooManyChanges) throw problem(409, "Too many", thrown.message);
    if (thrown instanceof ImportRefused) throw refused(thrown);
    throw thrown;
  }
}

function refused({ message, mistakes, count }: ImportRefused): HttpProblem {
  const detail = `${message}, nothing was imported. ${mistakes.slice(0, SHOWN).map(lineOf).join("; ")}`;
  return new HttpProblem(422, "Import refused", detail, {}, { mistakes, count });
}
const SHOWN = 3;

function lineOf({ line, why }: ImportMistake): string {
  return `line ${line}: ${why}`;
}

function unknown(impi: string): HttpProblem {
  return problem(404, "No such subscriber", `${impi} is unknown.`);
}
