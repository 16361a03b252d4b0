// What can be said of where our bytes come from: modules are built the same anywhere, every dependency is pinned to
// its content, and the SBOM names all whose code is in what we ship.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../envoy/root.ts";

const run = promisify(execFile);

/** SLUICE_REPRODUCE=all builds every module again, which takes minutes. */
const again =
  process.env.SLUICE_REPRODUCE === "all" ? ["fault", "header_routing", "metrics", "rate_limit", "suite"] : [];

test(
  "modules built in another folder, at another time, are the same",
  { skip: again.length === 0 && "SLUICE_REPRODUCE=all: npm run test:long" },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-again-"));
    try {
      for (const part of [
        "assembly",
        "filters",
        "scripts",
        "asconfig.json",
        "package.json",
        "package-lock.json",
      ])
        await cp(join(projectRoot, part), join(folder, part), { recursive: true });
      await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
      await utimes(join(folder, "asconfig.json"), 1, 1);
      const build = join(folder, "scripts", "build.mjs");
      await run(process.execPath, [build, "filters", "--release"], {
        cwd: folder,
        env: { ...process.env, TZ: "Asia/Shanghai", LANG: "C", HOME: folder },
      });
      for (const name of again) {
        const [here, there] = await Promise.all(
          [projectRoot, folder].map(async (root) =>
            createHash("sha256")
              .update(await readFile(join(root, "build/filters", `${name}.wasm`)))
              .digest("hex"),
          ),
        );
        assert.equal(there, here, name);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

interface Lock {
  packages: Record<
    string,
    { integrity?: string; hasInstallScript?: boolean; version: string; inBundle?: boolean }
  >;
}

const readJson = async (path: string): Promise<unknown> =>
  JSON.parse(await readFile(join(projectRoot, path), "utf8"));

test("every package of the lock file is pinned to its content", async () => {
  const { packages } = (await readJson("package-lock.json")) as Lock;
  const others = Object.entries(packages).filter(([place]) => place !== "");
  assert.ok(others.length > 50);
  for (const [place, { integrity, version, inBundle }] of others) {
    assert.match(version, /^\d+\.\d+\.\d+/, place);
    if (inBundle) continue; // inside another package, whose hash covers it
    assert.match(integrity ?? "", /^sha512-/, place);
  }
});

test("dependencies are exact, and none of their scripts runs", async () => {
  const { devDependencies, dependencies = {} } = (await readJson("package.json")) as {
    devDependencies: Record<string, string>;
    dependencies?: Record<string, string>;
  };
  assert.deepEqual(dependencies, {}, "all are bundled, so that users install nothing else");
  for (const [name, version] of Object.entries(devDependencies))
    assert.match(version, /^\d+\.\d+\.\d+/, name);
  assert.match(await readFile(join(projectRoot, ".npmrc"), "utf8"), /^ignore-scripts=true$/m);
});

test("the SBOM names what is bundled, with hashes and licences", async () => {
  const program = 'const { writeSbom } = await import("./scripts/sbom.mjs"); writeSbom();';
  await run(process.execPath, ["--input-type=module", "-e", program], { cwd: projectRoot });
  const { bomFormat, components } = (await readJson("build/sbom.json")) as {
    bomFormat: string;
    components: { name: string; purl: string; hashes?: unknown[]; licenses?: unknown[]; scope: string }[];
  };
  assert.equal(bomFormat, "CycloneDX");
  const names = components.map(({ name }) => name);
  for (const name of ["@grpc/grpc-js", "@bufbuild/protobuf", "yaml", "preact", "assemblyscript"])
    assert.ok(names.includes(name), name);
  for (const name of ["typescript", "esbuild", "playwright-core"]) assert.ok(!names.includes(name), name);
  for (const { name, purl, hashes, licenses, scope } of components) {
    assert.match(purl, /^pkg:npm\//, name);
    assert.deepEqual([hashes?.length, licenses?.length, scope], [1, 1, "required"], name);
  }
});
