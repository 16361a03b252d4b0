// What render writes is Istio: the API server's schema takes it under strict field validation, and istioctl's
// validate and analyze have nothing to say against it. For every example, as WasmPlugin and as TrafficExtension.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../../envoy/root.ts";
import { formatDiagnostic } from "../../schema/diagnostic.ts";
import { loadModules } from "../../server/policy/modules.ts";
import { moduleUrls, type IstioOptions } from "../../server/render/istio/options.ts";
import { renderIstio } from "../../server/render/istio/render.ts";
import { loadFolder } from "../../server/source/load.ts";
import { objectsOf } from "./kube-api.ts";
import { defaults, type Lab, startLab } from "./lab.ts";

const run = promisify(execFile);
const examples = join(projectRoot, "examples");
const folders = readdirSync(examples).filter((name) => {
  const path = join(examples, name);
  return statSync(path).isDirectory() && readdirSync(path).some((file) => file.endsWith(".yaml"));
});
const modules = loadModules(join(projectRoot, "build/filters"));

let lab: Lab;

before(async () => {
  lab = await startLab({ services: [], istiod: false });
  await lab.apply("{apiVersion: v1, kind: Namespace, metadata: {name: istio-system}}");
});
after(() => lab?.close());

async function rendered(folder: string, options: Partial<IstioOptions>): Promise<string> {
  const directory = join(examples, folder);
  const { resources } = await loadFolder(directory);
  const { files, diagnostics } = renderIstio(
    { directory, resources, modules },
    { ...defaults, ...moduleUrls("oci://registry.example/sluice", "1"), ...options },
  );
  assert.deepEqual(diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic), []);
  return files.map(({ text }) => text).join("");
}

async function istioctl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(join(lab.tools, "bin/istioctl"), args);
  return stdout + stderr;
}

for (const folder of folders) {
  test(`examples/${folder}`, async (t) => {
    for (const resource of ["WasmPlugin", "TrafficExtension"] as const) {
      const text = await rendered(folder, { resource });
      const objects = objectsOf(text);
      t.diagnostic(
        `${resource}: ${objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(", ") || "nothing"}`,
      );
      if (objects.length === 0) continue;
      const scratch = await mkdtemp(join(lab.directory, "rendered-"));
      const file = join(scratch, "all.yaml");
      await writeFile(file, text);
      for (const object of objects) {
        const { namespace = "default" } = object.metadata;
        await lab.kubernetes.api.apply([
          { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
        ]);
        const { status, body } = await lab.kubernetes.api.tryApply(object);
        assert.ok(status < 300, `${object.kind} ${object.metadata.name}: ${body.message}`);
      }
      assert.match(await istioctl("validate", "-f", file), /is valid/);
      const others = join(scratch, "others.yaml");
      const mesh = await loadFolder(join(examples, folder));
      const kept = mesh.resources.filter(
        ({ group, kind, name }) =>
          group === "networking.istio.io" &&
          !objects.some((o) => o.kind === kind && o.metadata.name === name),
      );
      await writeFile(others, kept.map(documentOf).join("---\n"));
      const analysis = await istioctl("analyze", "--use-kube=false", file, others).catch(
        (error: { stdout?: string; stderr?: string }) => `${error.stdout}${error.stderr}`,
      );
      assert.doesNotMatch(analysis, /Error \[/, analysis);
    }
  });
}

const documentOf = ({
  group,
  version,
  kind,
  name,
  namespace,
  spec,
}: {
  group: string;
  version: string;
  kind: string;
  name: string;
  namespace: string;
  spec: unknown;
}): string =>
  `${JSON.stringify({ apiVersion: `${group}/${version}`, kind, metadata: { name, namespace }, spec })}\n`;
