// The two answers of the API, as plain data; `sluice status` and the page read the same.

import { type Diagnostic, formatDiagnostic } from "../../schema/diagnostic.ts";
import { type ProxyState, type TypeSync, type TypeUrl, typeUrls } from "../model.ts";
import type { ServerView } from "./view.ts";

export const typeNames = Object.fromEntries(
  Object.entries(typeUrls).map(([name, typeUrl]) => [typeUrl, name]),
) as Record<TypeUrl, keyof typeof typeUrls>;

export interface SnapshotReport {
  version: string;
  builtAt: string;
  directory: string;
  /** The folder is in error, and something older is served. */
  lastGood: boolean;
  /** That older one was read from the state directory when the server started. */
  fromState: boolean;
  /** A version of the history is served in place of the folder, whose changes take no effect. */
  pinned?: { version: string; at: string };
  /** Resources read, by kind. */
  sources: Readonly<Record<string, number>>;
  /** Resources that a gateway is sent, by type. */
  resources: Readonly<Record<string, number>>;
  errors: number;
  warnings: number;
  diagnostics: readonly (Diagnostic & { text: string })[];
}

export function reportSnapshot(view: ServerView): SnapshotReport {
  const state = view.configuration();
  const count = (severity: string): number => state.diagnostics.filter((d) => d.severity === severity).length;
  return {
    version: state.version,
    builtAt: state.builtAt,
    directory: state.directory,
    lastGood: state.isLastGood,
    fromState: state.isFromState,
    ...(state.pinned === undefined ? {} : { pinned: state.pinned }),
    sources: state.resources,
    resources: view.resourceCounts(),
    errors: count("error"),
    warnings: count("warning"),
    diagnostics: state.diagnostics.map((d) => ({ ...d, text: formatDiagnostic(d) })),
  };
}

export interface ProxyReport extends Omit<ProxyState, "types"> {
  wantedVersion: string;
  state: "synced" | "pending" | "nacked";
  types: Readonly<Record<string, TypeSync>>;
}

export interface ProxiesReport {
  proxies: readonly ProxyReport[];
}

export function reportProxies(view: ServerView): ProxiesReport {
  return {
    proxies: view.proxies().map((proxy) => {
      const wantedVersion = view.wantedVersion(proxy.node);
      const types = Object.entries(proxy.types) as [TypeUrl, TypeSync][];
      const isRefusing = types.some(([, type]) => type.state === "nacked");
      const isSynced = proxy.version === wantedVersion;
      return {
        ...proxy,
        wantedVersion,
        state: isRefusing ? "nacked" : isSynced ? "synced" : "pending",
        types: Object.fromEntries(types.map(([typeUrl, type]) => [typeNames[typeUrl], type])),
      };
    }),
  };
}
