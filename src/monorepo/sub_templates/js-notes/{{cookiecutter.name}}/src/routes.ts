import type { FastifyInstance } from "fastify";
import type { Kysely } from "kysely";
import type { Database } from "./database.ts";

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

/**
 * An example: routes of a shared package, which a service registers; replace it with what the module is for.
 * Whoever opens `db` closes it.
 */
export async function routes(
  app: FastifyInstance,
  { db }: { readonly db: Kysely<Database> },
): Promise<void> {
  app.get("/notes", { schema: { response: { 200: { type: "array", items: note } } } }, () =>
    db.selectFrom("notes").select(["id", "text"]).orderBy("id").execute(),
  );

  app.post<{ Body: { text: string } }>(
    "/notes",
    { schema: { body: newNote, response: { 201: note } } },
    async ({ body }, reply) => {
      reply.code(201);
      return db
        .insertInto("notes")
        .values(body)
        .returning(["id", "text"])
        .executeTakeFirstOrThrow();
    },
  );

  app.get<{ Params: { id: number } }>(
    "/notes/:id",
    { schema: { params: byId, response: { 200: note } } },
    async ({ params }, reply) => {
      const query = db.selectFrom("notes").select(["id", "text"]).where("id", "=", params.id);
      return (await query.executeTakeFirst()) ?? reply.callNotFound();
    },
  );
}
