import createFetchClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./generated/schema.ts";

export type Schemas = components["schemas"];

export function createClient(baseUrl: string): Client<paths> {
  return createFetchClient<paths>({ baseUrl });
}
