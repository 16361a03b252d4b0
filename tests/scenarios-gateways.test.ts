// The examples of Gateways do what their READMEs say, in one Envoy.

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Examples, startExamples } from "./support/examples.ts";
import { runCommand } from "./support/readme.ts";

let mesh: Examples;
let temporary = "";

before(async () => {
  temporary = await mkdtemp(join(tmpdir(), "sluice-certificates-"));
  const output = await runCommand(`node examples/ingress-tls/certificates.mjs ${temporary}`, 30_000);
  assert.match(output, /^signed: shop\.example\.com/);
  const files: Record<string, string> = {};
  for (const name of await readdir(temporary)) {
    files[`certs/${name}`] = await readFile(join(temporary, name), "utf8");
  }
  mesh = await startExamples(["ingress-tls", "gateway-api"], { files });
});

after(async () => {
  await mesh?.close();
  await rm(temporary, { recursive: true, force: true });
});

test("examples/ingress-tls does what its README says", async () => {
  const certs = { "examples/ingress-tls/certs": join(mesh.directory, "certs") };
  assert.ok((await mesh.follow("ingress-tls", certs)) >= 8);
  await mesh.server.rebuild();
  const told = mesh.server.state().diagnostics.map(({ message }) => message);
  assert.match(told.join("\n"), /certs\/shop\.pem: there is no certificate in it/);
});

test("examples/gateway-api does what its README says", async () => {
  assert.ok((await mesh.follow("gateway-api")) >= 5);
});
