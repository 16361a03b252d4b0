// The aggregated discovery service over gRPC, in both variants of the protocol.

import { readFile } from "node:fs/promises";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { receiveMetrics, service as metricsService } from "../metrics-service/serve.ts";
import type { Traffic } from "../metrics-service/traffic.ts";
import type { ProxyState, SnapshotSource } from "../model.ts";
import { type ConnectionOptions, serveStream, type XdsEvents } from "./connection.ts";
import type { Variant } from "./protocol.ts";
import { Proxies } from "./proxies.ts";
import { aggregatedDiscoveryService } from "./wire.ts";

export interface TlsFiles {
  certificate: string;
  key: string;
  /** When given, a proxy must show a certificate that this authority signed. */
  clientCa?: string;
}

export interface XdsServerOptions {
  source: SnapshotSource;
  host: string;
  /** 0 takes a free one. */
  port: number;
  tls?: TlsFiles;
  events?: XdsEvents;
  /** Takes in what the proxies push of their metrics; without it that service is not there. */
  traffic?: Traffic;
}

export interface XdsServer {
  readonly port: number;
  readonly proxies: Proxies;
  states(): ProxyState[];
  /** Ends the streams at once: a proxy keeps what it has and connects again. */
  close(): Promise<void>;
}

/** A reconnect under delta lists what the client has: 100,000 names and versions are about 10 MB. */
const maxRequestSize = 64 * 1024 * 1024;

const channelOptions = {
  "grpc.max_receive_message_length": maxRequestSize,
  "grpc.max_send_message_length": -1,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

export async function startXdsServer(options: XdsServerOptions): Promise<XdsServer> {
  const server = new Server(channelOptions);
  const proxies = new Proxies();
  const { source, events = {}, traffic } = options;
  const serveAs = (variant: Variant) => (call: ConnectionOptions["call"]) =>
    serveStream({ call, variant, source, proxies, events });
  server.addService(aggregatedDiscoveryService, {
    StreamAggregatedResources: serveAs("sotw"),
    DeltaAggregatedResources: serveAs("delta"),
  });
  if (traffic !== undefined) {
    server.addService(metricsService, {
      StreamMetrics: (call: Parameters<typeof receiveMetrics>[0], answer: (error: null) => void) =>
        receiveMetrics(call, answer, traffic),
    });
  }
  const credentials = await serverCredentials(options.tls);
  const port = await bind(server, `${bracketed(options.host)}:${options.port}`, credentials);
  return {
    port,
    proxies,
    states: () => proxies.states(),
    async close() {
      server.forceShutdown();
    },
  };
}

async function serverCredentials(tls: TlsFiles | undefined): Promise<ServerCredentials> {
  if (!tls) return ServerCredentials.createInsecure();
  const [certificate, key, clientCa] = await Promise.all([
    readFile(tls.certificate),
    readFile(tls.key),
    tls.clientCa === undefined ? null : readFile(tls.clientCa),
  ]);
  return ServerCredentials.createSsl(
    clientCa,
    [{ cert_chain: certificate, private_key: key }],
    clientCa !== null,
  );
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
