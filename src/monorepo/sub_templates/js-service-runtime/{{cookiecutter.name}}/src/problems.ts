import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";

// RFC 9110, in which some phrases are newer than those of Node.
const TITLES: Readonly<Record<number, string>> = {
  413: "Content Too Large",
  422: "Unprocessable Content",
};

export const MEDIA_TYPE = "application/problem+json";

const PLACES: Readonly<Record<string, string>> = {
  querystring: "query",
  params: "path",
  headers: "header",
};

/** Answer with problem details, RFC 9457. What is said of a fault is in the log alone. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  const { statusCode, validation, validationContext, message } = Object(
    error,
  ) as Partial<FastifyError>;
  if (validation) {
    const place = PLACES[validationContext ?? ""] ?? validationContext ?? "body";
    const errors = validation.map((one) => {
      const missing = one.params.missingProperty;
      const pointer = `${one.instancePath}${missing === undefined ? "" : `/${pointerOf(missing)}`}`;
      return { in: place, pointer: `#${pointer}`, detail: one.message ?? "is invalid" };
    });
    return problem(request, reply, 422, { errors });
  }
  // Clients of other services throw errors with a `status`, which is not that of this answer.
  const known = Number(statusCode) >= 400 && Number(statusCode) <= 599 ? Number(statusCode) : 500;
  const code = reply.statusCode >= 400 ? reply.statusCode : known;
  if (code < 500) return problem(request, reply, code, message ? { detail: message } : {});
  request.log.error({ exception: error }, "request failed");
  return problem(request, reply, code);
}

/** Answer that there is nothing at a path. */
export function handleNotFound(request: FastifyRequest, reply: FastifyReply): unknown {
  return problem(request, reply, 404);
}

function problem(request: FastifyRequest, reply: FastifyReply, status: number, more = {}): unknown {
  const title =
    TITLES[status] ?? STATUS_CODES[status] ?? (status < 500 ? "Client Error" : "Server Error");
  const body = { type: "about:blank", title, status, ...more, request_id: request.id };
  // No hook has run for a request that the framework refuses.
  reply.header("x-request-id", request.id);
  return reply.code(status).type(MEDIA_TYPE).send(JSON.stringify(body));
}

/** Escape a name in a JSON pointer that is a fragment of a URL (RFC 6901, 6). */
function pointerOf(name: unknown): string {
  return encodeURIComponent(String(name).replaceAll("~", "~0").replaceAll("/", "~1"));
}
