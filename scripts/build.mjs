// `npm run build [-- STEP...] [--force]`: makes what stands under build/, each step only when what it reads has
// changed. All steps in order without arguments.
//
//   api      build/envoy-api/       TypeScript types of Envoy's API, read out of an Envoy 1.40 binary
//   schema   **/generated/          what schema/ declares, for every language and reader (committed)
//   filters  build/filters/*.wasm   release modules; debug modules in build/filters/debug/
//   bundle   build/sluice.js        server and command line in one file

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { filesUnder, hashOf, isFresh, setStamp } from "./stamp.mjs";

const root = dirname(import.meta.dirname);
const isTest = (path) => /\.(test|spec)\.ts$/.test(path);
const isSource = (path) => !isTest(path);
const versionOf = (name) => {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
  return `${name}@${version}`;
};

const steps = { api, schema, filters, bundle };

/** @param progress told what is under way, line by line. */
export async function build(names = Object.keys(steps), { force = false, progress = console.error } = {}) {
  for (const name of names) {
    const step = steps[name];
    if (step === undefined) throw new Error(`no step ${name}: there are ${Object.keys(steps).join(", ")}`);
    await step({ force, progress });
  }
}

/**
 * Runs `make` unless the stamp says that these inputs have been through it. A step that writes some of its
 * inputs returns their new hash.
 */
async function once({ force }, step, hash, outputs, make) {
  if (!force && isFresh(root, step, hash, outputs)) return;
  const after = await make();
  setStamp(root, step, after ?? hash);
}

async function api(options) {
  const outputs = ["build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts"];
  const tools = ["@bufbuild/protobuf", "@bufbuild/protoc-gen-es"].map(versionOf);
  await once(
    options,
    "api",
    hashOf(root, ["envoy/api", "envoy/wheel.ts"], isSource, tools),
    outputs,
    async () => {
      const { tsImport } = await import("tsx/esm/api");
      const { findEnvoyForApi } = await tsImport("../envoy/find.ts", import.meta.url);
      const { generateApi } = await tsImport("../envoy/api/generate.ts", import.meta.url);
      const binary = await findEnvoyForApi({ progress: options.progress });
      options.progress("api: reading Envoy's types out of its binary");
      const count = await generateApi(readFileSync(binary), join(root, "build/envoy-api"));
      options.progress(`api: ${count} files`);
    },
  );
}

async function schema(options) {
  if (!existsSync(join(root, "schema/emit/main.ts"))) return;
  await once(options, "schema", hashOfSchema(), [], () => {
    options.progress("schema: generating what schema/ declares");
    run("schema", process.execPath, ["--import", "tsx", "schema/emit/main.ts"]);
    return hashOfSchema();
  });
}

/** The generated files count too: one that was edited by hand is generated again. */
function hashOfSchema() {
  const rooms = ["schema", "filters", "docs", "server", "cli"];
  return hashOf(
    root,
    rooms,
    (path) => (path.startsWith("schema/") && isSource(path)) || path.includes("/generated/"),
  );
}

async function filters(options) {
  for (const name of filterNames()) {
    const inputs = ["assembly", `filters/${name}`, "asconfig.json"];
    const tools = ["assemblyscript", "@solo-io/proxy-runtime"].map(versionOf);
    const hash = hashOf(
      root,
      inputs,
      (path) => path.endsWith(".json") || (path.endsWith(".ts") && isSource(path)),
      tools,
    );
    for (const target of ["release", "debug"]) {
      const output = target === "release" ? `build/filters/${name}.wasm` : `build/filters/debug/${name}.wasm`;
      await once(options, `filter-${name}-${target}`, hash, [output], async () => {
        await compile(`filters/${name}/filter.ts`, target, output);
        options.progress(`filters: ${output} (${statSync(join(root, output)).size} bytes)`);
      });
    }
  }
}

function filterNames() {
  return readdirSync(join(root, "filters")).filter((name) =>
    existsSync(join(root, "filters", name, "filter.ts")),
  );
}

/** Written beside and renamed, so that nobody ever reads half a module. */
async function compile(source, target, output) {
  const { default: asc } = await import("assemblyscript/asc");
  const beside = `${output}.${process.pid}`;
  mkdirSync(dirname(join(root, output)), { recursive: true });
  const config = ["--config", "asconfig.json", "--target", target];
  const { error, stderr } = await asc.main([source, ...config, "--baseDir", root, "--outFile", beside]);
  if (error) throw new Error(`${source} does not compile (${target}):\n${stderr.toString()}${error.message}`);
  renameSync(join(root, beside), join(root, output));
}

async function bundle(options) {
  if (!existsSync(join(root, "cli/main.ts"))) return;
  const rooms = ["cli", "server", "schema", "host", "envoy", "scripts/build.mjs", "package-lock.json"];
  const hash = hashOf(root, rooms, (path) => isSource(path) && !path.endsWith(".md"));
  await once(options, "bundle", hash, ["build/sluice.js"], async () => {
    const { build: esbuild } = await import("esbuild");
    await esbuild({
      absWorkingDir: root,
      entryPoints: ["cli/main.ts", ...workers()].map((path) => ({ in: path, out: outputName(path) })),
      outdir: "build",
      bundle: true,
      platform: "node",
      target: "node20.19",
      format: "esm",
      sourcemap: "linked",
      logLevel: "warning",
      // Packages in CommonJS call require, which an ES module does not have.
      banner: {
        js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
      },
    });
    options.progress(
      `bundle: build/sluice.js (${Math.round(statSync(join(root, "build/sluice.js")).size / 1024)} KiB)`,
    );
  });
}

/** Code for worker threads stands in files named `*.worker.ts`: `x.worker.ts` becomes `build/x.worker.js`. */
function workers() {
  return filesUnder(join(root, "server"))
    .filter((path) => path.endsWith(".worker.ts"))
    .map((path) => path.slice(root.length + 1));
}

const outputName = (path) =>
  path === "cli/main.ts" ? "sluice" : path.replace(/^.*\//, "").replace(/\.ts$/, "");

function run(step, command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${step} failed:\n${stdout}${stderr}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const args = process.argv.slice(2);
  const named = args.filter((arg) => arg !== "--force");
  try {
    await build(named.length > 0 ? named : undefined, { force: args.includes("--force") });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
