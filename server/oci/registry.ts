// A registry that only reads: each module is the repository `sluice/NAME`, tagged with the version and `latest`,
// so that an Istio agent, Envoy Gateway or `crane` pulls `oci://THIS-SERVER/sluice/rate_limit:0.1.0`. Paths,
// headers and errors are those of the OCI distribution specification 1.1.

import { Hono } from "hono";
import type { Context } from "hono";
import { sendBytes } from "../http/bytes.ts";
import { type Blob, type Image, imageOf, manifestType } from "./image.ts";

const prefix = "sluice/";

interface Repository {
  tags: string[];
  /** By tag and by digest. */
  manifests: ReadonlyMap<string, Blob>;
  blobs: ReadonlyMap<string, Blob>;
}

export function registryRoutes(
  modules: Readonly<Record<string, { name: string; bytes: Uint8Array }>>,
  version: string,
): Hono {
  const repositories = new Map(
    Object.values(modules).map((module) => [
      `${prefix}${module.name}`,
      repositoryOf(imageOf(module, version), [version, "latest"]),
    ]),
  );
  const app = new Hono();
  app.use("/v2/*", async (c, next) => {
    c.header("docker-distribution-api-version", "registry/2.0");
    await next();
  });
  for (const path of ["/v2", "/v2/"]) app.get(path, (c) => c.json({}));
  app.get("/v2/_catalog", (c) => c.json({ repositories: [...repositories.keys()] }));
  app.get("/v2/:path{.+}", (c) => {
    const [, name = "", kind = "", reference = ""] =
      /^(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(c.req.param("path")) ?? [];
    const repository = repositories.get(name);
    if (repository === undefined) return refuse(c, "NAME_UNKNOWN", `there is no repository ${name}`);
    switch (kind) {
      case "tags":
        return c.json({ name, tags: repository.tags });
      case "referrers":
        return c.body(noReferrers, 200, { "content-type": "application/vnd.oci.image.index.v1+json" });
      case "manifests":
        return send(c, repository.manifests.get(reference), "MANIFEST_UNKNOWN", reference);
      default:
        return send(c, repository.blobs.get(reference), "BLOB_UNKNOWN", reference);
    }
  });
  app.all("/v2/*", (c) =>
    c.json({ errors: [{ code: "UNSUPPORTED", message: "this registry only reads" }] }, 405, {
      allow: "GET, HEAD",
    }),
  );
  return app;
}

const noReferrers = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [],
});

function repositoryOf({ manifest, config, layer }: Image, tags: string[]): Repository {
  return {
    tags,
    manifests: new Map([...tags, manifest.digest].map((reference) => [reference, manifest])),
    blobs: new Map([config, layer, manifest].map((one) => [one.digest, one])),
  };
}

function send(c: Context, blob: Blob | undefined, code: string, reference: string): Response {
  if (blob === undefined) return refuse(c, code, `there is no ${reference}`);
  c.header("docker-content-digest", blob.digest);
  const type = blob.mediaType === manifestType ? manifestType : "application/octet-stream";
  return sendBytes(c, { bytes: blob.bytes, tag: blob.digest, type });
}

const refuse = (c: Context, code: string, message: string): Response =>
  c.json({ errors: [{ code, message }] }, 404);
