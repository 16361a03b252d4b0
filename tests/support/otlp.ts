// An OpenTelemetry collector for tests: takes traces over OTLP/gRPC, and reads them by the very definition that
// Envoy carries.

import { readFile } from "node:fs/promises";
import { create, createFileRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import { type DescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { closure, readDescriptors } from "../../envoy/api/descriptors.ts";
import { findEnvoyForApi } from "../../envoy/find.ts";

export interface Span {
  /** As base64. */
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** `SPAN_KIND_SERVER` and the like. */
  kind: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  tags: Record<string, string>;
  /** Of the resource, such as `service.name`. */
  resource: Record<string, string>;
}

export interface Collector {
  port: number;
  spans: Span[];
  close(): Promise<void>;
}

interface Attribute {
  key: string;
  value?: { stringValue?: string; intValue?: string; boolValue?: boolean };
}

type RawSpan = Omit<Span, "tags" | "resource"> & { attributes?: Attribute[] };

interface ExportRequest {
  resourceSpans?: { resource?: { attributes?: Attribute[] }; scopeSpans?: { spans?: RawSpan[] }[] }[];
}

const serviceFile = "opentelemetry/proto/collector/trace/v1/trace_service.proto";

export async function startCollector(): Promise<Collector> {
  const files = readDescriptors(await readFile(await findEnvoyForApi()));
  const file = closure(files, [serviceFile]);
  for (const { messageType } of file) messageType.forEach(nameForJson);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
  const request = registry.getMessage("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest");
  if (request === undefined) throw new Error("this Envoy does not carry OTLP's definition");

  const spans: Span[] = [];
  const server = new Server();
  server.addService(
    {
      export: {
        path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        requestStream: false,
        responseStream: false,
        requestDeserialize: (bytes: Buffer) => toJson(request, fromBinary(request, bytes)) as ExportRequest,
        requestSerialize: () => Buffer.alloc(0),
        // An ExportTraceServiceResponse without a partial success is empty.
        responseSerialize: () => Buffer.alloc(0),
        responseDeserialize: () => ({}),
      },
    },
    {
      export: (
        call: { request: ExportRequest },
        answer: (error: null, response: Record<string, never>) => void,
      ) => {
        spans.push(...spansOf(call.request));
        answer(null, {});
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, spans, close: async () => server.forceShutdown() };
}

/** Descriptors in a program lack the JSON names. */
function nameForJson({ field, nestedType }: DescriptorProto): void {
  for (const one of field) one.jsonName ||= protoCamelCase(one.name);
  nestedType.forEach(nameForJson);
}

function spansOf({ resourceSpans = [] }: ExportRequest): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans
      .flatMap((scope) => scope.spans ?? [])
      .map(({ attributes, ...span }) => ({
        ...span,
        tags: plain(attributes),
        resource: plain(resource?.attributes),
      })),
  );
}

const plain = (attributes: readonly Attribute[] = []): Record<string, string> =>
  Object.fromEntries(
    attributes.map(({ key, value = {} }) => [
      key,
      String(value.stringValue ?? value.intValue ?? value.boolValue ?? ""),
    ]),
  );
