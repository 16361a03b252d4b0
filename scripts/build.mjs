// `npm run build [-- STEP...] [--force] [--release]`: makes what stands under build/, each step only when what it
// reads has changed. All steps in order without arguments; --release leaves the debug modules out.
//
//   api      build/envoy-api/       TypeScript types of Envoy's API, read out of an Envoy 1.40 binary
//   schema   **/generated/          what schema/ declares, for every language and reader (committed)
//   filters  build/filters/*.wasm   release modules, their data packed; debug modules in build/filters/debug/
//   ui       build/ui/              the dashboard, which the server serves at /
//   host     build/host/            the proxy-wasm host as a package's entry points, with types
//   bundle   build/sluice.js        server and command line in one file
//
// What is bundled carries the code of packages: build/packages/STEP.json lists them, for the SBOM.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { createProgress } from "./progress.mjs";
import { filesUnder, hashOf, isFresh, setStamp } from "./stamp.mjs";

const root = dirname(import.meta.dirname);
const steps = { api, schema, filters, ui, host, bundle };
const isSource = (path) => !/\.(test|spec)\.ts$/.test(path);

/**
 * @param say told what is under way, line by line.
 * @param debug whether debug modules are wanted, which only tests use.
 */
export async function build(names = Object.keys(steps), { force = false, debug = true, say }) {
  for (const name of names) {
    const step = steps[name];
    if (step === undefined) throw new Error(`no step ${name}: there are ${Object.keys(steps).join(", ")}`);
    await step({ force, debug, say });
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
  const tools = ["@bufbuild/protobuf", "@bufbuild/protoc-gen-es"].map(versionOf);
  const hash = hashOf(root, ["envoy/api", "envoy/wheel.ts"], isSource, tools);
  const outputs = ["build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts"];
  await once(options, "api", hash, outputs, () =>
    run("reading Envoy's API", ["--import", "tsx", "envoy/api/main.ts", "build/envoy-api"], options.say),
  );
}

async function schema(options) {
  await once(options, "schema", hashOfSchema(), [], async () => {
    options.say("generating what schema/ declares");
    await run("schema", ["--import", "tsx", "schema/emit/main.ts"]);
    return hashOfSchema();
  });
}

/** The generated files count too: one that was edited by hand is generated again. */
function hashOfSchema() {
  const matters = (path) => (path.startsWith("schema/") && isSource(path)) || path.includes("/generated/");
  return hashOf(root, ["schema", "filters", "assembly", "docs", "server", "cli"], matters);
}

async function filters(options) {
  const names = readdirSync(join(root, "filters")).filter((name) =>
    existsSync(join(root, "filters", name, "filter.ts")),
  );
  for (const directory of ["build/filters", "build/filters/debug"]) removeOthers(directory, names);
  const tools = ["assemblyscript", "@solo-io/proxy-runtime", "binaryen"].map(versionOf);
  const matters = (path) => /\.(m?[jt]s|json)$/.test(path) && isSource(path);
  for (const name of names) {
    // The suite is made of all the others.
    const rooms = name === "suite" ? "filters" : `filters/${name}`;
    const hash = hashOf(root, ["assembly", rooms, "asconfig.json", "scripts/pack"], matters, tools);
    for (const target of options.debug ? ["release", "debug"] : ["release"]) {
      const output = `${target === "release" ? "build/filters" : "build/filters/debug"}/${name}.wasm`;
      await once(options, `filter-${name}-${target}`, hash, [output], () => {
        options.say(`compiling ${output}`);
        return compile(`filters/${name}/filter.ts`, target, output);
      });
    }
  }
}

/** Modules of filters that are no more would be served like any other. */
function removeOthers(directory, names) {
  mkdirSync(join(root, directory), { recursive: true });
  for (const file of readdirSync(join(root, directory))) {
    if (file.endsWith(".wasm") && !names.includes(file.slice(0, -".wasm".length)))
      rmSync(join(root, directory, file));
  }
}

/** Written beside and renamed, so that nobody ever reads half a module. */
async function compile(source, target, output) {
  const beside = `${output}.${process.pid}`;
  const sources = target === "release" ? [source, "assembly/start/unpack.ts"] : [source];
  const config = ["--config", "asconfig.json", "--target", target, "--outFile", beside];
  await run(`${source} (${target})`, ["node_modules/assemblyscript/bin/asc.js", ...sources, ...config]);
  if (target === "release") await run(`packing ${output}`, ["scripts/pack/pack.mjs", beside]);
  renameSync(join(root, beside), join(root, output));
}

async function ui(options) {
  const matters = (path) => isSource(path) && !path.endsWith(".md");
  const hash = hashOf(root, ["ui", "scripts/build.mjs", "package-lock.json"], matters);
  await once(options, "ui", hash, ["build/ui/main.js", "build/packages/ui.json"], async () => {
    options.say("bundling the dashboard");
    const esbuild = await import("esbuild");
    const { outputFiles, metafile } = await esbuild.build({
      absWorkingDir: root,
      metafile: true,
      entryPoints: ["ui/main.tsx"],
      outdir: "build/ui",
      bundle: true,
      write: false,
      minify: true,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      loader: { ".woff2": "file" },
      assetNames: "[name]",
      legalComments: "eof",
      logLevel: "silent",
    });
    await esbuild.stop();
    recordPackages("ui", metafile);
    mkdirSync(join(root, "build/ui"), { recursive: true });
    for (const { path, contents } of outputFiles) writeFileSync(path, contents);
    for (const file of ["index.html", "icon.svg"]) {
      writeFileSync(join(root, "build/ui", file), readFileSync(join(root, "ui", file)));
    }
  });
}

async function host(options) {
  const hash = hashOf(
    root,
    ["host", "scripts/build.mjs", "tsconfig.host.json", "package-lock.json"],
    isSource,
  );
  await once(options, "host", hash, ["build/host/index.js", "build/host/index.d.ts"], async () => {
    options.say("bundling the host");
    await run("types of the host", ["node_modules/typescript/bin/tsc", "-p", "tsconfig.host.json"]);
    const esbuild = await import("esbuild");
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: ["host/index.ts", "host/interleave.ts", "host/call-graph.ts"],
      outdir: "build/host",
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      target: "node20",
      packages: "external",
      logLevel: "silent",
    });
    await esbuild.stop();
  });
}

async function bundle(options) {
  const rooms = ["cli", "server", "schema", "host", "envoy", "scripts/build.mjs", "package-lock.json"];
  const hash = hashOf(root, rooms, (path) => isSource(path) && !path.endsWith(".md"));
  await once(options, "bundle", hash, ["build/sluice.js", "build/packages/bundle.json"], async () => {
    options.say("bundling server and command line");
    const esbuild = await import("esbuild");
    const { metafile } = await esbuild.build({
      absWorkingDir: root,
      metafile: true,
      entryPoints: ["cli/main.ts", ...workers()].map((path) => ({ in: path, out: outputName(path) })),
      outdir: "build",
      bundle: true,
      platform: "node",
      target: "node20.19",
      format: "esm",
      sourcemap: "linked",
      logLevel: "silent",
      // Packages in CommonJS call require, which an ES module does not have.
      banner: {
        js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
      },
    });
    await esbuild.stop();
    recordPackages("bundle", metafile);
  });
}

/** Code for worker threads stands in files named `*.worker.ts`: `x.worker.ts` becomes `build/x.worker.js`. */
const workers = () =>
  filesUnder(join(root, "server"))
    .filter((path) => path.endsWith(".worker.ts"))
    .map((path) => path.slice(root.length + 1));

const outputName = (path) =>
  path === "cli/main.ts" ? "sluice" : path.replace(/^.*\//, "").replace(/\.ts$/, "");

/** The packages whose files a bundle was made of, by their places in node_modules. */
function recordPackages(step, { inputs }) {
  const place = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;
  const places = Object.keys(inputs).flatMap((path) => place.exec(path)?.[0] ?? []);
  mkdirSync(join(root, "build/packages"), { recursive: true });
  writeFileSync(join(root, `build/packages/${step}.json`), JSON.stringify([...new Set(places)].sort()));
}

function versionOf(name) {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
  return `${name}@${version}`;
}

/**
 * Runs a tool in a process of its own (the compiler, for one, installs handlers in whatever process it is in).
 * `say` is told what it says on standard output; what it says on standard error is its error when it fails.
 */
function run(step, args, say = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => {
        said[name] += text;
        if (name === "stdout") for (const line of text.split("\n").filter((line) => line !== "")) say(line);
      });
    }
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${step} failed:\n${(said.stderr || said.stdout).trimEnd()}`));
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const args = process.argv.slice(2);
  const named = args.filter((arg) => !arg.startsWith("--"));
  const progress = createProgress(process.stderr);
  try {
    await build(named.length > 0 ? named : undefined, {
      force: args.includes("--force"),
      debug: !args.includes("--release"),
      say: progress.say,
    });
    progress.close();
  } catch (error) {
    progress.fail();
    console.error(error.message);
    process.exitCode = 1;
  }
}
