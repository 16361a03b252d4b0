// `npm run sbom`: build/sbom.json, the CycloneDX list of whose code is in what we ship. npm writes the list of
// all packages from the lock file, with licences and hashes; what is kept are those that the bundles were made
// of (the build's own record) and those that are compiled into the modules.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { setUp } from "./setup.mjs";

const root = dirname(import.meta.dirname);
const read = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** The compiler brings the language's standard library; the toolkit declares hostcalls as proxy-runtime does. */
const inModules = ["node_modules/assemblyscript", "node_modules/@solo-io/proxy-runtime"];

/** @returns how many packages are listed. The bundles must have been built. */
export function writeSbom() {
  const locked = read("package-lock.json").packages;
  const places = [...inModules, ...read("build/packages/bundle.json"), ...read("build/packages/ui.json")];
  const shipped = new Set(places.map((place) => `${nameOf(place)}@${locked[place].version}`));
  const all = listAll();
  const sbom = {
    ...all,
    metadata: { ...all.metadata, lifecycles: [{ phase: "build" }] },
    components: all.components.filter((c) => shipped.has(c["bom-ref"])).map(asShipped),
    dependencies: all.dependencies
      .filter(({ ref }) => shipped.has(ref) || ref === all.metadata.component["bom-ref"])
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => shipped.has(other)) })),
  };
  const missing = [...shipped].filter((ref) => !sbom.components.some((c) => c["bom-ref"] === ref));
  if (missing.length > 0) throw new Error(`not in npm's list: ${missing.join(", ")}`);
  writeFileSync(join(root, "build/sbom.json"), `${JSON.stringify(sbom, undefined, 2)}\n`);
  return sbom.components.length;
}

const nameOf = (place) => place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);

/** For npm these are tools of a developer; here they are part of what is delivered. */
const asShipped = (component) => ({
  ...component,
  scope: "required",
  properties: component.properties.filter(({ name }) => name !== "cdx:npm:package:development"),
});

function listAll() {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only"];
  const { status, stdout, stderr, error } = spawnSync("npm", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`npm sbom failed: ${error?.message ?? stderr}`);
  return JSON.parse(stdout);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    await setUp();
    console.log(`build/sbom.json lists ${writeSbom()} packages`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
