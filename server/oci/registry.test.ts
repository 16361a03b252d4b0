import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { imageOf, manifestType } from "./image.ts";
import { gzipStored, tarOf } from "./layer.ts";
import { registryRoutes } from "./registry.ts";

const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => (index * index) % 251);
const module = { name: "rate_limit", bytes };
const app = registryRoutes({ rate_limit: module }, "1.2.3");
const get = (path: string, init: RequestInit = {}) => app.request(`/v2/${path}`, init);
const repository = "sluice/rate_limit";

interface Manifest {
  config: { digest: string; size: number };
  layers: { digest: string; size: number; mediaType: string }[];
}

describe("a layer", () => {
  test("is a tar.gz that tar reads", () => {
    const directory = mkdtempSync(join(tmpdir(), "sluice-layer-"));
    try {
      writeFileSync(join(directory, "layer.tar.gz"), gzipStored(tarOf(bytes)));
      const listed = execFileSync("tar", ["-tzf", "layer.tar.gz"], { cwd: directory, encoding: "utf8" });
      assert.equal(listed, "plugin.wasm\n");
      execFileSync("tar", ["-xzf", "layer.tar.gz"], { cwd: directory });
      assert.deepEqual(new Uint8Array(readFileSync(join(directory, "plugin.wasm"))), bytes);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("is whole at the edges of a stored block", () => {
    for (const size of [0, 1, 65_534, 65_535, 65_536, 131_070]) {
      const content = new Uint8Array(size).fill(7);
      assert.deepEqual(new Uint8Array(gunzipSync(gzipStored(content))), content, String(size));
    }
  });

  test("and so the image has the same digest everywhere", () => {
    const { manifest } = imageOf({ name: "fault", bytes: Uint8Array.of(0, 97, 115, 109) }, "1.0.0");
    assert.equal(manifest.digest, "sha256:9459f318c47ef2470a551fb4cd7e428276b8ff3af742fe6546121dbc07ac9834");
  });
});

describe("the registry", () => {
  test("says that it is one, and what it has", async () => {
    const root = await get("");
    assert.equal(root.status, 200);
    assert.equal(root.headers.get("docker-distribution-api-version"), "registry/2.0");
    assert.deepEqual(await (await get("_catalog")).json(), { repositories: [repository] });
    assert.deepEqual(await (await get(`${repository}/tags/list`)).json(), {
      name: repository,
      tags: ["1.2.3", "latest"],
    });
  });

  test("gives the manifest by tag and by digest, and its blobs by their digests", async () => {
    const answer = await get(`${repository}/manifests/1.2.3`);
    const text = await answer.text();
    const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
    assert.equal(answer.headers.get("content-type"), manifestType);
    assert.equal(answer.headers.get("docker-content-digest"), digest);
    for (const reference of ["latest", digest])
      assert.equal(await (await get(`${repository}/manifests/${reference}`)).text(), text);

    const { config, layers } = JSON.parse(text) as Manifest;
    for (const { digest: wanted, size } of [config, ...layers]) {
      const blob = await (await get(`${repository}/blobs/${wanted}`)).arrayBuffer();
      assert.equal(blob.byteLength, size);
      assert.equal(`sha256:${createHash("sha256").update(new Uint8Array(blob)).digest("hex")}`, wanted);
    }
  });

  test("tells a manifest's size and digest without it", async () => {
    const whole = await (await get(`${repository}/manifests/latest`)).arrayBuffer();
    const head = await get(`${repository}/manifests/latest`, { method: "HEAD" });
    assert.deepEqual(
      [head.status, head.headers.get("content-length"), (await head.arrayBuffer()).byteLength],
      [200, String(whole.byteLength), 0],
    );
  });

  test("refuses in the specification's words", async () => {
    const table: [string, string, number, string][] = [
      ["GET", "sluice/nothing/manifests/latest", 404, "NAME_UNKNOWN"],
      ["GET", `${repository}/manifests/9.9.9`, 404, "MANIFEST_UNKNOWN"],
      ["GET", `${repository}/blobs/sha256:${"0".repeat(64)}`, 404, "BLOB_UNKNOWN"],
      ["GET", `${repository}/manifests/__proto__`, 404, "MANIFEST_UNKNOWN"],
      ["GET", "..%2f..%2fpackage.json", 404, "NAME_UNKNOWN"],
      ["POST", `${repository}/blobs/uploads/`, 405, "UNSUPPORTED"],
      ["PUT", `${repository}/manifests/latest`, 405, "UNSUPPORTED"],
      ["DELETE", `${repository}/manifests/latest`, 405, "UNSUPPORTED"],
    ];
    for (const [method, path, status, code] of table) {
      const answer = await get(path, { method });
      assert.equal(answer.status, status, path);
      const { errors } = (await answer.json()) as { errors: { code: string }[] };
      assert.equal(errors[0]?.code, code, path);
    }
  });
});
