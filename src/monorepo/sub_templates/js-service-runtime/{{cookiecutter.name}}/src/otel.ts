import {
  context,
  DiagLogLevel,
  diag,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from "fastify";
import { PROBES, pathOf } from "./app.ts";
import { injectWith, traceIdOf } from "./context.ts";
import type { Service } from "./logs.ts";

// How long an exporter tries: a collector that is gone must not keep a service from ending in time.
const EXPORT_MS = "2000";
// In seconds, as the semantic conventions for HTTP metrics advise.
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Export a span and http.server.request.duration for each request but probes (semantic conventions
 * for HTTP servers), until the application is closed. This is imported only where it is asked for.
 */
export function instrument(app: FastifyInstance, service: Service): void {
  const flush = provide(service, app.log);
  const tracer = trace.getTracer(service.name);
  const duration = metrics.getMeter(service.name).createHistogram("http.server.request.duration", {
    unit: "s",
    advice: { explicitBucketBoundaries: BOUNDARIES },
  });
  const spans = new WeakMap<FastifyRequest, Span>();

  app.addHook("onRequest", (request, reply, done) => {
    // The query may hold secrets.
    const path = pathOf(request.url);
    // A WebSocket is open for as long as it may be: what it does has spans of its own.
    if (PROBES.includes(path) || request.headers.upgrade) {
      done();
      return;
    }
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const route = request.routeOptions.url;
    const attributes = { ...described(request), "url.path": path };
    const name = route ? `${request.method} ${route}` : request.method;
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    spans.set(request, span);
    if (!traceIdOf(request.headers.traceparent)) {
      request.log = request.log.child({ trace_id: span.spanContext().traceId });
      reply.log = request.log;
    }
    context.with(trace.setSpan(parent, span), done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const span = spans.get(request);
    if (span) {
      const status = { "http.response.status_code": reply.statusCode };
      span.setAttributes(status);
      if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      duration.record(reply.elapsedTime / 1000, { ...described(request), ...status });
    }
    done();
  });
  app.addHook("onClose", flush);
}

/** Attributes that spans and metrics have in common. */
function described({ method, protocol, routeOptions: { url } }: FastifyRequest) {
  return {
    "http.request.method": method,
    "url.scheme": protocol,
    ...(url !== undefined && { "http.route": url }),
  };
}

/** Provide OpenTelemetry to the whole program, also to its other users; return how it is flushed. */
function provide({ name, version }: Service, log: FastifyBaseLogger): () => Promise<void> {
  process.env.OTEL_EXPORTER_OTLP_TIMEOUT ||= EXPORT_MS;
  const quiet = () => {};
  const said = { error: log.error.bind(log), warn: log.warn.bind(log) };
  diag.setLogger(
    { ...said, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  // What the environment says of the service comes first.
  const resource = defaultResource()
    .merge(resourceFromAttributes({ "service.name": name, "service.version": version }))
    .merge(detectResources({ detectors: [envDetector] }));
  const spanProcessors = [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })];
  const traces = new TracerProvider({ resource, spanProcessors });
  const readers = [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })];
  const meters = new MeterProvider({ resource, readers });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(traces);
  metrics.setGlobalMeterProvider(meters);
  injectWith((headers) => propagation.inject(context.active(), headers));
  return async () => {
    await Promise.allSettled([traces.shutdown(), meters.shutdown()]);
  };
}
