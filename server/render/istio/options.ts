// How the modules are loaded and where the filters stand.

import { imageOf } from "../../oci/image.ts";
import type { FilterModule } from "../../policy/modules.ts";

export const phases = ["AUTHN", "AUTHZ", "STATS"] as const;
export const resources = ["WasmPlugin", "TrafficExtension"] as const;

/** The side of a proxy: calls that go out, as at a gateway, or requests that come in. */
export const modes = ["CLIENT", "SERVER"] as const;

export interface IstioOptions {
  resource: (typeof resources)[number];
  /** Of the plugins. In Istio's root namespace they reach proxies of all namespaces. */
  namespace: string;
  /** In place of the gateways' selectors. */
  labels: Readonly<Record<string, string>>;
  /** Of the proxies that `labels` name. Absent: CLIENT. */
  mode: (typeof modes)[number] | undefined;
  /** Absent: after authentication and authorization, before the router. */
  phase: (typeof phases)[number] | undefined;
  /** Of the first of our filters; each further one has the next lower. */
  priority: number;
  imagePullSecret: string | undefined;
  /** All filters in one plugin, by suite.wasm. */
  suite: boolean;
  moduleUrl(module: FilterModule): string;
  /** `sha256`, where Istio checks one for this kind of URL. */
  digest(module: FilterModule): { sha256?: string };
}

/**
 * A folder's URL to each module's: `http://HOST/filters` and `file:///DIR` are continued with NAME.wasm,
 * `oci://HOST/REPOSITORY` with the name and the tag, under which images of this version stand.
 */
export function moduleUrls(
  base: string,
  tag: string,
  version = tag,
): Pick<IstioOptions, "moduleUrl" | "digest"> {
  const { protocol } = new URL(base);
  const folder = base.replace(/\/+$/, "");
  switch (protocol) {
    case "http:":
    case "https:":
      return { moduleUrl: ({ name }) => `${folder}/${name}.wasm`, digest: ({ sha256 }) => ({ sha256 }) };
    case "oci:":
      // Of the image, which is the same wherever `sluice push` or our server has put it.
      return {
        moduleUrl: ({ name }) => `${folder}/${name}:${tag}`,
        digest: (module) => ({ sha256: imageOf(module, version).manifest.digest.replace("sha256:", "") }),
      };
    case "file:":
      // A local file is read by Envoy itself, and Istio hands on no checksum for it.
      return { moduleUrl: ({ name }) => `${folder}/${name}.wasm`, digest: () => ({}) };
    default:
      throw new Error(`--module-url ${base}: write http://, https://, oci:// or file://`);
  }
}
