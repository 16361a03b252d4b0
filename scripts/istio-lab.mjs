// What a real Istio on this machine is made of: istiod, pilot-agent, istioctl, a registry and kube-apiserver, built
// from their public Go modules; etcd from Debian's package; the CRDs as the modules have them.
//
// All of it lies outside the checkout, in a folder named by the module files in tests/istio/lab/, so that another
// version is another folder. The first time takes about 12 minutes on two cores and 6 GB of Go's caches; after that
// neither Go nor a network is needed.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const declared = join(dirname(import.meta.dirname), "tests", "istio", "lab");
const kubeVersion = "k8s.io/component-base/version";

const programs = [
  { name: "pilot-discovery", module: "istio", path: "istio.io/istio/pilot/cmd/pilot-discovery" },
  { name: "pilot-agent", module: "istio", path: "istio.io/istio/pilot/cmd/pilot-agent" },
  { name: "istioctl", module: "istio", path: "istio.io/istio/istioctl/cmd/istioctl" },
  { name: "registry", module: "istio", path: "github.com/google/go-containerregistry/cmd/registry" },
  { name: "crane", module: "istio", path: "github.com/google/go-containerregistry/cmd/crane" },
  {
    name: "kube-apiserver",
    module: "kubernetes",
    path: "k8s.io/kubernetes/cmd/kube-apiserver",
    // It says its own version to clients, which a plain build leaves out.
    flags: `-X ${kubeVersion}.gitVersion=v1.36.3 -X ${kubeVersion}.gitMajor=1 -X ${kubeVersion}.gitMinor=36`,
  },
];

const files = [
  ["istio", "istio.io/istio", "tools/packaging/common/envoy_bootstrap.json", "envoy_bootstrap.json"],
  ["istio", "istio.io/istio", "manifests/charts/base/files/crd-all.gen.yaml", "crds/istio.yaml"],
  ["crds", "sigs.k8s.io/gateway-api", "config/crd/standard", "crds/gateway-api"],
  [
    "crds",
    "github.com/envoyproxy/gateway",
    "charts/gateway-crds-helm/templates/generated",
    "crds/envoy-gateway",
  ],
];

/** Where everything of these versions lies. */
export function labDirectory(environment = process.env) {
  const base = environment.SLUICE_ISTIO_CACHE || join(homedir(), ".cache", "sluice", "istio");
  const hash = createHash("sha256");
  for (const file of readdirSync(declared).sort())
    hash.update(`${file}\n${readFileSync(join(declared, file))}`);
  return join(base, hash.digest("hex").slice(0, 12));
}

const hasGo = () => spawnSync("go", ["version"]).status === 0;

const missingIn = (directory) => ({
  programs: programs.filter(({ name }) => !isProgram(join(directory, "bin", name))),
  files: files.filter(([, , , to]) => !existsSync(join(directory, to))),
});

/**
 * @param deadline when what still runs is stopped, in ms since 1970
 * @returns the folder, complete. Throws with a reason that says what is missing and how to have it.
 */
export function prepareLab(say = () => {}, environment = process.env, deadline = Number.POSITIVE_INFINITY) {
  const directory = labDirectory(environment);
  if (process.platform !== "linux") throw new Error("a real Istio runs on Linux only here");
  mkdirSync(join(directory, "bin"), { recursive: true });
  const { programs: missing, files: absent } = missingIn(directory);
  if (missing.length + absent.length > 0) {
    if (!hasGo()) {
      throw new Error(`building a real Istio needs Go 1.26 or newer on PATH (for ${directory})`);
    }
    for (const program of missing) buildProgram(program, directory, say, deadline);
    for (const file of absent) copyFromModule(file, directory, say, deadline);
  }
  findEtcd(directory, say, environment);
  return directory;
}

function buildProgram({ name, module, path, flags = "" }, directory, say, deadline) {
  say(`building ${name} (${path})`);
  const work = workFolder(module, directory);
  const target = join(directory, "bin", name);
  const args = ["build", "-mod=mod", "-buildvcs=false", "-trimpath", "-ldflags", `-s -w ${flags}`.trim()];
  go([...args, "-o", `${target}.new`, path], work, deadline);
  renameSync(`${target}.new`, target);
}

function copyFromModule([module, path, from, to], directory, say, deadline) {
  say(`taking ${to} from ${path}`);
  const work = workFolder(module, directory);
  const { Version } = JSON.parse(go(["list", "-mod=mod", "-m", "-json", path], work, deadline));
  const { Dir } = JSON.parse(go(["mod", "download", "-json", `${path}@${Version}`], work, deadline));
  const target = join(directory, to);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(Dir, from), target, { recursive: true, mode: constants.COPYFILE_FICLONE });
}

function workFolder(module, directory) {
  const work = join(directory, "work", module);
  mkdirSync(work, { recursive: true });
  const modFile = join(work, "go.mod");
  if (!existsSync(modFile)) copyFileSync(join(declared, `${module}.mod`), modFile);
  return work;
}

function go(args, cwd, deadline) {
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "" };
  const left = Math.max(1, deadline - Date.now());
  const limit = Number.isFinite(left) ? { timeout: left } : {};
  const run = spawnSync("go", args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26, ...limit });
  if (run.status === 0) return run.stdout;
  throw new Error(
    `go ${args[0]} ${args.at(-1)} failed: ${run.stderr?.trim().split("\n").slice(-5).join("\n")}`,
  );
}

/** SLUICE_ETCD, else `etcd` on PATH, else Debian's package, unpacked and not installed. */
export function findEtcd(directory, say = () => {}, environment = process.env) {
  const onPath = (environment.PATH ?? "").split(delimiter).map((place) => join(place, "etcd"));
  const unpacked = join(directory, "etcd", "usr", "bin", "etcd");
  const named = environment.SLUICE_ETCD;
  const found = (named ? [named] : [...onPath, unpacked]).find(isProgram);
  if (found !== undefined) return found;
  say("fetching etcd (apt-get download etcd-server)");
  const scratch = mkdtempSync(join(directory, "etcd-"));
  const run = (command, ...args) => spawnSync(command, args, { cwd: scratch, stdio: "ignore" }).status === 0;
  const download = () => run("apt-get", "download", "etcd-server");
  // The lists of packages may be missing, as in a container.
  const fetched = download() || (process.getuid?.() === 0 && run("apt-get", "update") && download());
  const [archive] = fetched ? readdirSync(scratch) : [];
  if (archive !== undefined && run("dpkg-deb", "--extract", archive, "tree")) {
    rmSync(join(directory, "etcd"), { recursive: true, force: true });
    renameSync(join(scratch, "tree"), join(directory, "etcd"));
  }
  rmSync(scratch, { recursive: true, force: true });
  if (isProgram(unpacked)) return unpacked;
  throw new Error(
    "etcd is needed: put it on PATH, name it as SLUICE_ETCD, or install the package etcd-server",
  );
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
