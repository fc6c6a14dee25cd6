import createFetchClient, { type Client, type ClientOptions } from "openapi-fetch";
import type { components, paths } from "./generated/schema.ts";

/** The schemas of the service by their names, such as `Schemas["Note"]`. */
export type Schemas = components["schemas"];

/** Return a client of the service at an address; `fetch` and headers of its own are options. */
export function createClient(
  baseUrl: string,
  options: Omit<ClientOptions, "baseUrl"> = {},
): Client<paths> {
  return createFetchClient<paths>({ ...options, baseUrl });
}
