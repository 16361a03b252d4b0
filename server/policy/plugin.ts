// A filter as Envoy gets it over ECDS: the module, what it may call, and its configuration.

import { create } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type TypedExtensionConfig,
  TypedExtensionConfigSchema,
} from "../../build/envoy-api/envoy/config/core/v3/extension_pb.ts";
import { WasmSchema } from "../../build/envoy-api/envoy/extensions/filters/http/wasm/v3/wasm_pb.ts";
import { FailurePolicy } from "../../build/envoy-api/envoy/extensions/wasm/v3/wasm_pb.ts";
import type { FilterSlot } from "../istio/listeners.ts";
import { pack } from "../istio/wire.ts";
import type { Resource } from "../model.ts";
import { type PolicyKind, responseCallbacks } from "./kinds.ts";
import { type FilterModule, publishModule } from "./modules.ts";

/** Constant, so that shared data outlives every change of code and configuration. */
export const vmId = "sluice";

const wasmTypeUrl = `type.googleapis.com/${WasmSchema.typeName}`;

export const slotOf = (kind: PolicyKind): FilterSlot => ({
  name: kind.slot,
  always: kind.always === true,
  typeUrl: wasmTypeUrl,
});

export interface PluginOptions {
  kind: PolicyKind;
  module: FilterModule;
  configuration: string;
  policies: readonly Resource[];
  /** Requests with a token are told on the response what was decided. */
  explains?: boolean;
  delivery: "inline" | { file: string };
  /** As the node reports it; empty when it does not. */
  envoyVersion: string;
}

export function pluginConfig(options: PluginOptions): TypedExtensionConfig {
  const { kind, module, configuration, delivery } = options;
  const restriction = {
    capabilityRestrictionConfig: {
      allowedCapabilities: Object.fromEntries(capabilities(options).map((name) => [name, {}])),
    },
  };
  const inVm = hasVmCapabilities(options.envoyVersion);
  const code =
    delivery === "inline"
      ? ({ case: "inlineBytes", value: module.bytes } as const)
      : ({ case: "filename", value: publishModule(module, delivery.file) } as const);
  const wasm = create(WasmSchema, {
    config: {
      name: kind.slot,
      rootId: kind.module,
      vm: {
        case: "vmConfig",
        value: {
          vmId,
          runtime: "envoy.wasm.runtime.v8",
          code: { specifier: { case: "local", value: { specifier: code } } },
          ...(inVm ? restriction : {}),
        },
      },
      configuration: pack(StringValueSchema, create(StringValueSchema, { value: configuration })),
      failurePolicy: FailurePolicy.FAIL_RELOAD,
      ...(inVm ? {} : restriction),
    },
  });
  return create(TypedExtensionConfigSchema, { name: kind.slot, typedConfig: pack(WasmSchema, wasm) });
}

/** What the module uses, less the callbacks that the policies do not need: Envoy never enters those. */
export function capabilities({
  kind,
  module,
  policies,
  explains = false,
}: Pick<PluginOptions, "kind" | "module" | "policies" | "explains">) {
  const tells = (name: string) => explains && responseCallbacks.includes(name);
  const idle = new Set(kind.idleCallbacks(policies).filter((name) => !tells(name)));
  return [...module.hostcalls, ...module.callbacks.filter((name) => !idle.has(name))].sort();
}

/** VmConfig has the field since 1.40; older proxies refuse or ignore it there. */
export function hasVmCapabilities(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 1 || (major === 1 && minor >= 40);
}
