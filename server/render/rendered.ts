// What the targets of `sluice render` are given and give back.

import { stringify } from "yaml";
import type { Diagnostic } from "../../schema/diagnostic.ts";
import type { Resource } from "../model.ts";
import type { FilterModule } from "../policy/modules.ts";

export interface RenderInput {
  /** The folder that was read, for texts. */
  directory: string;
  resources: readonly Resource[];
  /** By name, such as `header_routing`. */
  modules: Readonly<Record<string, FilterModule>>;
}

export interface RenderedFile {
  /** A plain file name, such as `plugins.yaml`. */
  name: string;
  text: string;
  /** It holds private keys. */
  isSecret?: boolean;
}

export interface Rendered {
  files: readonly RenderedFile[];
  diagnostics: readonly Diagnostic[];
  /** Each filter's configuration, to be run through the filter itself. */
  plugins: readonly { filter: string; configuration: string }[];
}

/** A resource of Kubernetes. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  };
  spec: Readonly<Record<string, unknown>>;
}

/** Several documents under one comment, in YAML 1.1, which Kubernetes reads: there `yes` is no text. */
export function yamlFile(
  name: string,
  comment: readonly string[],
  manifests: readonly Manifest[],
): RenderedFile {
  const head = comment.map((line) => `# ${line}`.trimEnd()).join("\n");
  const documents = manifests.map((m) =>
    stringify(m, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false }),
  );
  return { name, text: `${head}\n${documents.map((text) => `---\n${text}`).join("")}` };
}
