import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findEnvoy, parseVersion } from "./find.ts";
import { cacheDirectory, machineOfWheel } from "./wheel.ts";

let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-find-"));
});
after(() => rm(directory, { recursive: true }));

async function script(name: string, body: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

const answering = (version: string) =>
  `echo; echo "/x/envoy  version: 0abc/${version}/Clean/RELEASE/BoringSSL"`;

test("SLUICE_ENVOY goes before PATH", async () => {
  const named = await script("named", answering("1.39.2"));
  await script("envoy", answering("1.38.0"));
  const environment = { PATH: directory, SLUICE_ENVOY: named };
  assert.deepEqual(await findEnvoy({ environment }), { path: named, version: "1.39.2" });
  assert.equal((await findEnvoy({ environment: { PATH: directory } })).version, "1.38.0");
});

test("a named Envoy that cannot be used is an error with a remedy", async () => {
  const cases = [
    { name: "absent", path: join(directory, "absent"), says: /does not run/ },
    { name: "not Envoy", path: await script("other", "echo hello"), says: /does not answer --version/ },
    { name: "too old", path: await script("old", answering("1.35.9")), says: /Envoy 1\.35\.9: too old/ },
  ];
  for (const { name, path, says } of cases) {
    const environment = { PATH: directory, SLUICE_ENVOY: path };
    const error = await findEnvoy({ environment }).then(
      () => assert.fail(name),
      (thrown: Error) => thrown,
    );
    assert.match(error.message, says, name);
    assert.match(error.message, /Set SLUICE_ENVOY to the path/, name);
  }
});

test("the version is read out of Envoy's line", () => {
  assert.equal(parseVersion("envoy  version: 9e55809337/1.40.0/Clean/RELEASE/BoringSSL"), "1.40.0");
  assert.equal(parseVersion("GNU bash, version 5.2"), undefined);
});

test("wheels exist for Linux on two machines", () => {
  assert.equal(machineOfWheel("linux", "x64"), "x86_64");
  assert.equal(machineOfWheel("linux", "arm64"), "aarch64");
  assert.equal(machineOfWheel("linux", "s390x"), undefined);
  assert.equal(machineOfWheel("darwin", "arm64"), undefined);
});

test("the cache is shared by checkouts and can be moved", () => {
  assert.equal(cacheDirectory({ SLUICE_CACHE: "/c" }), "/c");
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: "/x" }), "/x/sluice");
  assert.match(cacheDirectory({}), /\/\.cache\/sluice$/);
});
