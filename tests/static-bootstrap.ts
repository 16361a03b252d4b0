// A snapshot as one static Envoy configuration, so that an Envoy without a server checks it and serves it.

import type { JsonObject } from "@bufbuild/protobuf";
import type { Snapshot } from "../server/model.ts";
import { staticResources } from "../server/render/envoy/static.ts";

export interface StaticOptions {
  /** A stand-in for a filter by its name, as JSON; else the filter that the snapshot carries. */
  filters?: Record<string, JsonObject>;
}

export function staticBootstrap(snapshot: Snapshot, { filters }: StaticOptions = {}): JsonObject {
  return {
    admin: { address: { socketAddress: { address: "127.0.0.1", portValue: 0 } } },
    layeredRuntime: {
      layers: [{ name: "static", staticLayer: { re2: { max_program_size: { error_level: 32_768 } } } }],
    },
    staticResources: staticResources(snapshot, filters),
  };
}
