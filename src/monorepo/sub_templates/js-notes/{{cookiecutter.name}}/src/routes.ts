import type { FastifyInstance } from "fastify";
import type { Kysely } from "kysely";
import { add, type Database, read, readAll } from "./database.ts";

const note = {
  type: "object",
  required: ["id", "text"],
  properties: { id: { type: "integer" }, text: { type: "string" } },
};
const newNote = {
  type: "object",
  required: ["text"],
  additionalProperties: false,
  // Postgres keeps no NUL.
  properties: { text: { type: "string", minLength: 1, maxLength: 1000, pattern: "^[^\\u0000]*$" } },
};
const byId = {
  type: "object",
  properties: { id: { type: "integer", minimum: 1, maximum: 2 ** 31 - 1 } },
};

/** What requests and answers have to be like. */
export const schemas = {
  readAll: { response: { 200: { type: "array", items: note } } },
  add: { body: newNote, response: { 201: note } },
  read: { params: byId, response: { 200: note } },
};

/**
 * An example: routes of a shared package, which a service registers; replace it with what the module is for.
 * Whoever opens `db` closes it.
 */
export async function routes(
  app: FastifyInstance,
  { db }: { readonly db: Kysely<Database> },
): Promise<void> {
  app.get("/notes", { schema: schemas.readAll }, () => readAll(db));

  app.post<{ Body: { text: string } }>("/notes", { schema: schemas.add }, ({ body }, reply) => {
    reply.code(201);
    return add(db, body.text);
  });

  app.get<{ Params: { id: number } }>(
    "/notes/:id",
    { schema: schemas.read },
    async ({ params }, reply) => (await read(db, params.id)) ?? reply.callNotFound(),
  );
}
