// The envelope around every spec: apiVersion, kind, metadata. Finds the declaration of a document, or says
// why there is none.

import { closest } from "./suggest.ts";
import { checkSpec } from "./checks.ts";
import { findKind, gatewayApiGroup, type Kind, kinds } from "./kinds.ts";
import { type AnySchema, type Field, map, nonEmpty, type ObjectSchema, string } from "./language.ts";
import { type Problem, type Spelling, validate } from "./validate.ts";

const any: AnySchema = { type: "any" };
const ignored = (doc: string): Field => ({ schema: any, doc });

/** The fields that a resource's author writes; what an API server adds is accepted and ignored. */
const metadata: ObjectSchema = {
  type: "object",
  name: "Metadata",
  doc: "Name and labels of the resource.",
  fields: {
    name: {
      schema: nonEmpty(253, "name"),
      required: true,
      doc: "Unique among the resources of its kind and namespace.",
    },
    namespace: { schema: nonEmpty(63, "name"), default: "default", doc: "The resource's namespace." },
    labels: { schema: map(string(253), 256), doc: "Labels." },
    annotations: { schema: map(string(262_144), 256), doc: "Annotations; they change nothing here." },
    generateName: ignored("Of the API server."),
    uid: ignored("Of the API server."),
    resourceVersion: ignored("Of the API server."),
    generation: ignored("Of the API server."),
    creationTimestamp: { schema: string(64), doc: "Of the API server; of two routes the older goes first." },
    deletionTimestamp: ignored("Of the API server."),
    deletionGracePeriodSeconds: ignored("Of the API server."),
    finalizers: ignored("Of the API server."),
    ownerReferences: ignored("Of the API server."),
    managedFields: ignored("Of the API server."),
    selfLink: ignored("Of the API server."),
  },
};

/** The whole document of a kind, as it is validated and as its JSON Schema describes it. */
export function documentSchema(kind: Kind): ObjectSchema {
  return {
    type: "object",
    name: kind.kind,
    doc: kind.spec.doc,
    fields: {
      apiVersion: {
        schema: { type: "enum", name: "ApiVersion", values: kind.versions.map((v) => apiVersion(kind, v)) },
        required: true,
        doc: "Group and version.",
      },
      kind: { schema: { type: "enum", name: "Kind", values: [kind.kind] }, required: true, doc: "The kind." },
      metadata: { schema: metadata, required: true, doc: "Name, namespace and labels." },
      ...(kind.isFlat
        ? kind.spec.fields
        : { spec: { schema: kind.spec, required: true, doc: kind.spec.doc } }),
      status: ignored("Of the API server; ignored."),
    },
  };
}

/** The core group of Kubernetes has no name. */
export const apiVersion = ({ group }: Kind, version = ""): string =>
  group === "" ? version : `${group}/${version}`;

const names = ["apiVersion", "kind"] as const;

interface Envelope {
  apiVersion?: unknown;
  kind?: unknown;
}

/** What a document is: a resource of a kind that we act on, one to be skipped, or a mistake. */
export type Identified = { kind: Kind; problems: Problem[] } | { kind?: undefined; problems: Problem[] };

export function identify(document: unknown, spelling?: Spelling): Identified {
  if (typeof document !== "object" || document === null || Array.isArray(document))
    return refuse([], "value", "not a resource; a document begins with apiVersion, kind, metadata and spec");
  const fields: Envelope = document;
  const missing = names.filter((name) => typeof fields[name] !== "string" || fields[name] === "");
  if (missing.length > 0) return refuse([], "value", missingText(fields, missing));
  const kind = String(fields.kind);
  const [group, version] = splitApiVersion(String(fields.apiVersion));
  const found = findKind(group, kind);
  if (found === undefined) return unknownKind(group, kind);
  if (found.unsupported !== undefined)
    return refuse(["kind"], "value", `${kind} is not supported: ${found.unsupported}`);
  if (!found.versions.includes(version)) {
    const known = found.versions.map((v) => apiVersion(found, v)).join(", ");
    return refuse(
      ["apiVersion"],
      "value",
      `${kind} has no version ${JSON.stringify(version)}; write one of ${known}`,
    );
  }
  const problems = validate(documentSchema(found), document, [], spelling);
  if (problems.length === 0 && found.isFlat !== true && found.group !== gatewayApiGroup)
    problems.push(...checkSpec(kind, (document as { spec: unknown }).spec));
  return { kind: found, problems };
}

function missingText(fields: Envelope, missing: readonly string[]): string {
  const kind = fields.kind;
  const known = kinds.find((k) => k.kind === kind);
  const example =
    known === undefined
      ? "every document begins with apiVersion and kind; other files do not belong in this folder"
      : `write \`apiVersion: ${apiVersion(known, known.versions[0])}\``;
  return `${missing.map((name) => `\`${name}\``).join(" and ")} ${missing.length === 1 ? "is" : "are"} missing: ${example}`;
}

function refuse(path: readonly string[], at: "key" | "value", message: string): Identified {
  return { problems: [{ severity: "error", path, at, message }] };
}

function splitApiVersion(text: string): [group: string, version: string] {
  const slash = text.indexOf("/");
  return slash < 0 ? ["", text] : [text.slice(0, slash), text.slice(slash + 1)];
}

/** Groups of Kubernetes itself whose resources often share a folder with ours and change nothing here. */
const bystanders = new Set(["", "apps", "batch", "autoscaling", "policy", "extensions"]);
const isBystander = (group: string) =>
  bystanders.has(group) || (group.endsWith(".k8s.io") && group !== "gateway.networking.k8s.io");

/** Of the Gateway API's other kinds. */
const gatewayApiKinds: Record<string, string> = {
  TLSRoute: "write a VirtualService's `tls` routes on a Gateway of networking.istio.io",
  TCPRoute: "write a VirtualService's `tcp` routes on a Gateway of networking.istio.io",
  UDPRoute: "Envoy proxies connections; let clients speak to the service directly",
  ListenerSet: "write its listeners into the Gateway",
  BackendTLSPolicy: "write a DestinationRule with `tls`",
};

function unknownKind(group: string, kind: string): Identified {
  if (group === gatewayApiGroup && kind === "GatewayClass") {
    const message = "there is one kind of proxy here, so that a GatewayClass changes nothing; it is skipped";
    return { problems: [{ severity: "warning", path: ["kind"], at: "value", message }] };
  }
  const instead = group === gatewayApiGroup ? gatewayApiKinds[kind] : undefined;
  if (instead !== undefined) return refuse(["kind"], "value", `${kind} is not read here; ${instead}`);
  const sameKind = kinds.find((k) => k.kind === kind);
  if (sameKind !== undefined) {
    const right = apiVersion(sameKind, sameKind.versions[0]);
    return refuse(
      ["apiVersion"],
      "value",
      `there is no ${kind} in ${JSON.stringify(group)}; did you mean ${right}?`,
    );
  }
  const near = closest(
    kind,
    kinds.map((k) => k.kind),
  );
  const ours = kinds.some((k) => k.group === group);
  if (near !== undefined && (ours || !isBystander(group)))
    return refuse(["kind"], "value", `unknown kind ${JSON.stringify(kind)}; did you mean ${near.word}?`);
  if (isBystander(group)) {
    const message = `${kind} is a resource of Kubernetes and changes nothing here; it is skipped`;
    return { problems: [{ severity: "warning", path: ["kind"], at: "value", message }] };
  }
  const known = kinds
    .filter((k) => k.unsupported === undefined)
    .map((k) => k.kind)
    .join(", ");
  const of = group === "" ? "" : ` of ${group}`;
  return refuse(
    ["kind"],
    "value",
    `${kind}${of} is not supported: known are ${known}; remove it from the folder`,
  );
}
