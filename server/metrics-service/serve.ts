// Receives what proxies push, on the port on which they take their configuration.

import type { ServerReadableStream } from "@grpc/grpc-js";
import { identify } from "../xds/node.ts";
import { isWanted, readSamples } from "./samples.ts";
import type { Traffic, TrafficStream } from "./traffic.ts";
import { type Flush, metricsService } from "./wire.ts";

type Call = ServerReadableStream<Flush, void>;

export const service = metricsService(isWanted);

/** Serves one proxy's flushes until its stream ends. */
export function receiveMetrics(call: Call, answer: (error: null) => void, traffic: Traffic): void {
  let stream: TrafficStream | undefined;
  call.on("data", ({ node, families }: Flush) => {
    // Only the first flush says whose it is.
    if (node !== undefined) {
      stream?.close();
      stream = traffic.open(identify(node));
    }
    stream?.receive(readSamples(families), Date.now());
  });
  const end = (): void => stream?.close();
  call.on("end", () => {
    end();
    answer(null);
  });
  for (const event of ["error", "close", "cancelled"]) call.on(event, end);
}
