// Pushing, against a registry of the test's own that asks for credentials as the big ones do, and reading back.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { credentialsFor } from "./credentials.ts";
import { digestOf, imageOf, manifestType } from "./image.ts";
import { pushImage } from "./push.ts";
import { isLocal, parseReference } from "./reference.ts";

const image = imageOf({ name: "fault", bytes: Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0) }, "1.0.0");
const owner = { username: "ann", password: "s:cret" };
const basic = `Basic ${Buffer.from("ann:s:cret").toString("base64")}`;

describe("push", () => {
  let wants: "nothing" | "basic" | "bearer" = "nothing";
  let asked: string[] = [];
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, { type: string; bytes: Buffer }>();
  let origin = "";

  const server = createServer((request, response) => void answer(request, response));
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const url = new URL(request.url ?? "/", `http://${origin}`);
    asked.push(`${request.method} ${url.pathname}`);
    const { authorization } = request.headers;
    const end = (status: number, headers: Record<string, string> = {}, text = "") =>
      void response.writeHead(status, headers).end(text);
    if (url.pathname === "/token") {
      assert.equal(url.searchParams.get("scope"), "repository:team/fault:pull,push");
      if (authorization !== basic)
        return end(401, {}, '{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}');
      return end(200, {}, JSON.stringify({ token: "t1" }));
    }
    const challenge = {
      nothing: undefined,
      basic: 'Basic realm="registry"',
      bearer: `Bearer realm="http://${origin}/token",service="a,b",scope="repository:team/fault:pull,push"`,
    }[wants];
    const right = { nothing: authorization, basic, bearer: "Bearer t1" }[wants];
    if (challenge !== undefined && authorization !== right) {
      return end(401, { "www-authenticate": challenge }, '{"errors":[{"code":"UNAUTHORIZED"}]}');
    }
    const [, kind = "", name = ""] =
      /^\/v2\/team\/fault\/(blobs\/uploads|blobs|manifests)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === "blobs") return end(blobs.has(name) ? 200 : 404);
    if (kind === "blobs/uploads" && request.method === "POST")
      return end(202, { location: "/v2/team/fault/blobs/uploads/1?state=x" });
    if (kind === "blobs/uploads") {
      const digest = url.searchParams.get("digest") ?? "";
      if (digestOf(body) !== digest || url.searchParams.get("state") !== "x") return end(400);
      blobs.set(digest, body);
      return end(201);
    }
    if (name === "readonly")
      return end(403, {}, '{"errors":[{"code":"DENIED","message":"not your repository"}]}');
    manifests.set(name, { type: request.headers["content-type"] ?? "", bytes: body });
    return end(201);
  }

  const push = (tag: string, credentials?: typeof owner) => {
    asked = [];
    return pushImage({ registry: origin, repository: "team/fault", tag }, image, {
      plainHttp: true,
      credentials,
    });
  };

  test("sends what the registry lacks, then the manifest", async () => {
    await push("1.0.0");
    assert.deepEqual(manifests.get("1.0.0"), { type: manifestType, bytes: image.manifest.bytes });
    for (const blob of [image.layer, image.config])
      assert.deepEqual(blobs.get(blob.digest), Buffer.from(blob.bytes));
    await push("again");
    assert.deepEqual(
      asked.filter((line) => !line.startsWith("HEAD")),
      ["PUT /v2/team/fault/manifests/again"],
    );
  });

  test("says who it is, as the registry wants to hear it", async () => {
    for (const way of ["basic", "bearer"] as const) {
      wants = way;
      blobs.clear();
      await push(way, owner);
      assert.ok(manifests.has(way), way);
    }
  });

  test("tells what the registry says when it refuses", async () => {
    wants = "basic";
    await assert.rejects(push("x"), /answered 401 to HEAD .*\/blobs\/sha256:/);
    await assert.rejects(push("x", { username: "bob", password: "b" }), /answered 401/);
    wants = "bearer";
    await assert.rejects(push("x"), /gave no token: 401: UNAUTHORIZED who\?/);
    wants = "nothing";
    await assert.rejects(push("readonly"), /answered 403 to PUT \S+\/readonly: DENIED not your repository/);
  });

  test("tells a registry that is not there", async () => {
    const gone = { registry: "127.0.0.1:9", repository: "a/b", tag: "c" };
    await assert.rejects(pushImage(gone, image, { plainHttp: true }), /127\.0\.0\.1:9 cannot be reached/);
  });
});

test("references", () => {
  const table: [string, ReturnType<typeof parseReference> | undefined][] = [
    ["registry.example/team/sluice", { registry: "registry.example", repository: "team/sluice" }],
    ["oci://localhost/sluice:v1.2", { registry: "localhost", repository: "sluice", tag: "v1.2" }],
    ["127.0.0.1:5000/a__b/c-d", { registry: "127.0.0.1:5000", repository: "a__b/c-d" }],
    ["[::1]:5000/a", { registry: "[::1]:5000", repository: "a" }],
    ["sluice", undefined],
    ["team/sluice", undefined],
    ["registry.example/Team", undefined],
    ["registry.example/a/", undefined],
    ["registry.example/a:b:c", undefined],
    ["registry.example/a@sha256:00", undefined],
    ["https://registry.example/a", undefined],
  ];
  for (const [text, expected] of table) {
    if (expected === undefined) assert.throws(() => parseReference(text), /write REGISTRY\/REPOSITORY/, text);
    else assert.deepEqual(parseReference(text), expected, text);
  }
  for (const [registry, local] of [
    ["localhost:5000", true],
    ["[::1]:1", true],
    ["127.0.0.2", true],
    ["127.0.0.1.example", false],
    ["localhost.example", false],
  ] as const)
    assert.equal(isLocal(registry), local, registry);
});

test("credentials are those of docker's configuration", () => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-docker-"));
  try {
    const write = (config: unknown) => writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    const environment = {
      ...process.env,
      DOCKER_CONFIG: directory,
      PATH: `${directory}${delimiter}${process.env.PATH}`,
    };
    assert.equal(credentialsFor("a.example", environment), undefined);
    write({ auths: { "a.example": { auth: Buffer.from("ann:s:cret").toString("base64") } } });
    assert.deepEqual(credentialsFor("a.example", environment), owner);
    assert.equal(credentialsFor("b.example", environment), undefined);

    const helper = join(directory, "docker-credential-test");
    writeFileSync(
      helper,
      '#!/bin/sh\n[ "$(cat)" = c.example ] || exit 1\necho \'{"Username":"ann","Secret":"s:cret"}\'\n',
    );
    chmodSync(helper, 0o755);
    write({ credHelpers: { "c.example": "test" } });
    assert.deepEqual(credentialsFor("c.example", environment), owner);
    write({ credsStore: "test" });
    assert.equal(credentialsFor("d.example", environment), undefined);
    write({ credsStore: "missing" });
    assert.throws(() => credentialsFor("d.example", environment), /docker-credential-missing.* does not run/);
    writeFileSync(join(directory, "config.json"), "{");
    assert.throws(() => credentialsFor("d.example", environment), /config\.json is not JSON/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
