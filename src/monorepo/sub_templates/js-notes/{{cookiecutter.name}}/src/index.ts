export { checkSchema, checkUrl, connect, type Database, migrate } from "./database.ts";
export { routes } from "./routes.ts";
