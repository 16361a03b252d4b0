// `sluice validate` as it is run: its lines, its summary, its exit codes.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { report, validatePaths } from "./validate.ts";

async function withFile<T>(text: string, body: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-validate-"));
  const file = join(folder, "a.yaml");
  await writeFile(file, text);
  try {
    return await body(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a valid mesh", async () => {
  assert.deepEqual(await report(["examples/ficool"], {}), { out: "3 resources: valid\n", err: "", code: 0 });
});

test("a file named twice, and beside its folder, is read once", async () => {
  const file = "examples/ficool/mesh.yaml";
  assert.equal((await report(["examples/ficool", file, file], {})).out, "3 resources: valid\n");
});

test("errors have file, line, column and field, and fail", () =>
  withFile(
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {hots: a}\n",
    async (file) => {
      const { out, code } = await report([file], {});
      assert.equal(
        out,
        `${file}:4:8: error: spec.hots: unknown field; did you mean \`host\`?\n` +
          "0 resources: 1 error, 0 warnings; references between resources are checked once the errors are gone\n",
      );
      assert.equal(code, 1);
    },
  ));

test("warnings do not fail unless --strict", () =>
  withFile("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", async (file) => {
    const { out, code } = await report([file], {});
    assert.equal(
      out,
      `${file}:2:7: warning: kind: Namespace is a resource of Kubernetes and changes nothing here; it is skipped\n0 resources: 0 errors, 1 warning\n`,
    );
    assert.equal(code, 0);
    assert.equal((await report([file], { strict: true })).code, 1);
  }));

test("a target's own limits are told only when it is named", async () => {
  await withFile(
    `apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: thin, namespace: shop}
spec:
  faults:
  - {name: thin, percentage: 1, throttle: {kibPerSecond: 64}}
  expiresAt: 2099-01-01T00:00:00Z
`,
    async (file) => {
      assert.doesNotMatch((await report([file], {})).out, /throttle/);
      const { out, code } = await report([file], { target: "istio" });
      assert.match(
        out,
        /:6:\d+: warning: spec\.faults\[0\]\.throttle: .* not available in a listener that Istio makes/,
      );
      assert.equal(code, 0);
    },
  );
});

test("--json prints one object", () =>
  withFile("a: 1\n", async (file) => {
    const { out, code } = await report([file], { json: true });
    const { diagnostics, ...rest } = JSON.parse(out);
    assert.deepEqual(rest, { valid: false, resources: 0, errors: 1, warnings: 0, complete: false });
    assert.deepEqual(Object.keys(diagnostics[0]).sort(), [
      "column",
      "file",
      "line",
      "message",
      "path",
      "severity",
    ]);
    assert.equal(code, 1);
  }));

test("a path that does not exist is a mistake in usage", async () => {
  assert.deepEqual(await report(["examples/ficool", "/absent"], {}), {
    out: "",
    err: "sluice: there is no file or folder /absent\n",
    code: 2,
  });
});

test("a subset that no DestinationRule defines is told beside the slip before it", async () => {
  const { diagnostics, complete } = await validatePaths(["tests/fixtures/as-written-comments-repaired.yaml"]);
  assert.equal(complete, true);
  const told = new Map(diagnostics.map((d) => [d.path, d]));
  assert.match(told.get("spec.http[1].route[1].weight")?.message ?? "", /indent it by 10 spaces, not 14/);
  const subset = told.get("spec.http[0].route[0].destination.subset");
  assert.equal(subset?.line, 18);
  assert.match(subset?.message ?? "", /v3/);
});

test("a reference that leads nowhere", () =>
  withFile(
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - route: [{destination: {host: absent}}]\n",
    async (file) => {
      const { diagnostics } = await validatePaths([file]);
      const unknown = diagnostics.find((d) => d.path === "spec.http[0].route[0].destination.host");
      assert.equal(unknown?.line, 7);
      assert.match(unknown?.message ?? "", /absent/);
    },
  ));
