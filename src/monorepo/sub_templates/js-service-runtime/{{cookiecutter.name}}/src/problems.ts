import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";

export const MEDIA_TYPE = "application/problem+json";

const PLACES: Readonly<Record<string, string>> = {
  querystring: "query",
  params: "path",
  headers: "header",
};

/** Answer with problem details, RFC 9457. What is said of a fault is in the log alone. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  const { statusCode, status, headers, validation, validationContext, message } = Object(
    error,
  ) as Partial<FastifyError> & { status?: unknown; headers?: Record<string, string> };
  if (validation) {
    const place = PLACES[validationContext ?? ""] ?? validationContext ?? "body";
    const errors = validation.map((one) => {
      const missing = one.params.missingProperty;
      const pointer = `${one.instancePath}${missing === undefined ? "" : `/${missing}`}`;
      return { in: place, pointer: `#${pointer}`, detail: one.message ?? "is invalid" };
    });
    return problem(request, reply, 422, { errors });
  }
  const known = [statusCode, status].find((code) => Number(code) >= 400 && Number(code) <= 599);
  const code = reply.statusCode >= 400 ? reply.statusCode : Number(known ?? 500);
  if (headers) reply.headers(headers);
  if (code < 500) return problem(request, reply, code, message ? { detail: message } : {});
  request.log.error({ exception: error }, "request failed");
  return problem(request, reply, code);
}

/** Answer that there is nothing at a path. */
export function handleNotFound(request: FastifyRequest, reply: FastifyReply): unknown {
  return problem(request, reply, 404);
}

function problem(request: FastifyRequest, reply: FastifyReply, status: number, more = {}): unknown {
  const title = STATUS_CODES[status] ?? (status < 500 ? "Client Error" : "Server Error");
  const body = { type: "about:blank", title, status, ...more, request_id: request.id };
  // No hook has run for a request that the framework refuses.
  reply.header("x-request-id", request.id);
  return reply.code(status).type(MEDIA_TYPE).send(JSON.stringify(body));
}
