import { AsyncLocalStorage } from "node:async_hooks";
import { randomFillSync } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** What identifies a request in logs, and in the calls of other services that it leads to. */
export interface RequestContext {
  readonly requestId: string;
  /** Headers of the W3C recommendation "Trace Context", as they came. */
  readonly trace: Readonly<Record<string, string>>;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();

/** Return the id of a request that its headers give; one without any gets a new one. */
export function requestIdOf({ "x-request-id": given, traceparent }: IncomingHttpHeaders): string {
  const known = typeof given === "string" && /^[A-Za-z0-9._-]{1,128}$/.test(given);
  return known ? given : (traceIdOf(traceparent) ?? newId());
}

const ID_BYTES = 16;
// Asking for random bytes takes longer than all else about an id.
const random = Buffer.alloc(256 * ID_BYTES);
let used = random.length;

/** Return a new id of a request, or of a run of a job. */
export function newId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += ID_BYTES;
  return random.toString("hex", used - ID_BYTES, used);
}

/** Return the headers of a request that place it in a trace; none if they are malformed. */
export function traceOf({ traceparent, tracestate }: IncomingHttpHeaders): RequestContext["trace"] {
  if (typeof traceparent !== "string" || !traceIdOf(traceparent)) return {};
  return { traceparent, ...(typeof tracestate === "string" && { tracestate }) };
}

/** Return the trace id of a `traceparent` header; undefined if it is malformed. */
export function traceIdOf(traceparent: unknown): string | undefined {
  // A later version than 00 may have more at the end.
  const pattern =
    /^(?!ff|00-.{53})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
  return typeof traceparent === "string" ? pattern.exec(traceparent)?.[1] : undefined;
}

let inject: (headers: Record<string, string>) => void = () => {};

/** Have calls of other services carry what OpenTelemetry writes into their headers. */
export function injectWith(injection: typeof inject): void {
  inject = injection;
}

/** Fetch from another service, with the ids of the request that is being answered. */
export function request(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
  const context = requestContext.getStore();
  const passed: Record<string, string> = context
    ? { "x-request-id": context.requestId, ...context.trace }
    : {};
  inject(passed);
  for (const [name, value] of Object.entries(passed)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return fetch(input, { ...init, headers });
}
