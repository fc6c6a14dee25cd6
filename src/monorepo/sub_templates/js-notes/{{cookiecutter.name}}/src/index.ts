export {
  checkSchema,
  checkUrl,
  connect,
  type Database,
  databaseUrl,
  migrate,
} from "./database.ts";
export { routes } from "./routes.ts";
