import type { FastifyReply, FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import * as database from "./database.ts";
import { schemas } from "./routes.ts";

// What a service that is configured names in its service.edn: `{{ cookiecutter.npm_name }}/service:add`.

interface Settings {
  readonly databaseUrl: { reveal(): string };
}

interface State extends AsyncDisposable {
  readonly db: Kysely<database.Database>;
}

interface Context {
  readonly state: State;
}

/** Open the database, for as long as the service serves. */
export function lifespan(settings: Settings): State {
  const db = database.connect(checkedUrl(settings));
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

/** Reject unless the database answers and has the newest schema. */
export function check({ db }: State): Promise<void> {
  return database.checkSchema(db);
}

/** Apply the migrations that the database lacks. */
export async function migrate(settings: Settings): Promise<string> {
  return database.migrate(checkedUrl(settings));
}

/** Return the address of the database; throws an error that names the setting if it is none. */
function checkedUrl({ databaseUrl }: Settings): string {
  const url = databaseUrl.reveal();
  try {
    database.checkUrl(url);
  } catch (error) {
    throw new Error(`DATABASE_URL: ${(error as Error).message}`, { cause: error });
  }
  return url;
}

export const readAll = {
  schema: schemas.readAll,
  handler: (_request: FastifyRequest, _reply: FastifyReply, { state }: Context) =>
    database.readAll(state.db),
};

export const add = {
  schema: schemas.add,
  handler(
    { body }: FastifyRequest<{ Body: { text: string } }>,
    reply: FastifyReply,
    { state }: Context,
  ) {
    reply.code(201);
    return database.add(state.db, body.text);
  },
};

export const read = {
  schema: schemas.read,
  handler: async (
    { params }: FastifyRequest<{ Params: { id: number } }>,
    reply: FastifyReply,
    { state }: Context,
  ) => (await database.read(state.db, params.id)) ?? reply.callNotFound(),
};
