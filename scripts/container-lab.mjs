// A Docker engine with compose for `npm run test:compose`, and images to run on it.
//
// Where an engine answers, it is used. Else one is made, on Debian as root: the engine from Debian's packages,
// compose built with Go, under cacheDirectory, in no way of the system's own. Images that cannot be pulled get a
// stand-in made from Debian's packages, this machine's Node and the Envoy that the tests use; for those that
// Debian does not have there is none.

import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const compose = { module: "github.com/docker/compose/v2", version: "v2.40.3", go: "1.25" };
/** All preparations together; a machine that needs longer is taken for one that has none. */
const prepareMs = 12 * 60_000;
const begun = Date.now();
const pullMs = 120_000;

/** Why there can be no engine here; everything else that goes wrong is an error. */
export class NoEngine extends Error {}

/**
 * @param directory where the engine, its data and what it is made of are kept for the next time.
 * @returns the environment for `docker`, whether the engine is ours, and `stop`.
 */
export async function findEngine(directory, say) {
  if (works("docker", ["version"]) && works("docker", ["compose", "version"]))
    return { env: {}, own: false, stop: async () => {} };
  requireTools();
  mkdirSync(directory, { recursive: true });
  installPackages(
    ["docker.io", "debootstrap"].filter((name) => !isInstalled(name)),
    say,
  );
  const env = { DOCKER_HOST: `unix://${directory}/docker.sock`, DOCKER_CONFIG: join(directory, "config") };
  const stop = await startEngine(directory, env, say);
  buildCompose(directory, env, say);
  return { env, own: true, stop };
}

function requireTools() {
  if (process.platform !== "linux")
    throw new NoEngine(`no Docker engine answers, and ${process.platform} has none to start`);
  if (process.getuid?.() !== 0) throw new NoEngine("no Docker engine answers, and only root could start one");
  for (const tool of ["apt-get", "go"])
    if (!works(tool, [tool === "go" ? "version" : "--version"]))
      throw new NoEngine(`no Docker engine with compose answers, and there is no ${tool} to make one with`);
}

const tools = { "docker.io": "dockerd", debootstrap: "debootstrap" };
const isInstalled = (name) => works("sh", ["-c", `command -v ${tools[name]}`]);

function installPackages(names, say) {
  if (names.length === 0) return;
  say(`installing ${names.join(", ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    run("apt-get", ["update", "-qq"], { env });
    run("apt-get", ["install", "-y", "-qq", ...names], { env });
  } catch (error) {
    throw new NoEngine(`no Docker engine answers, and none could be installed: ${lastLine(error.message)}`);
  }
}

async function startEngine(directory, env, say) {
  if (works("docker", ["version"], env)) return async () => {};
  say("starting a Docker engine");
  rmSync(join(directory, "dockerd.pid"), { force: true });
  const log = join(directory, "dockerd.log");
  const places = ["--data-root", join(directory, "data"), "--exec-root", join(directory, "exec")];
  const args = [
    "--storage-driver",
    "vfs",
    ...places,
    "-H",
    env.DOCKER_HOST,
    "-p",
    join(directory, "dockerd.pid"),
  ];
  const engine = spawn("sh", ["-c", 'exec dockerd "$@" >"$0" 2>&1', log, ...args], {
    stdio: "ignore",
    detached: true,
  });
  const ended = new Promise((resolve) => engine.once("close", resolve));
  const stop = async () => {
    engine.kill("SIGTERM");
    await ended;
  };
  for (let tries = 0; tries < 120 && engine.exitCode === null; tries++) {
    if (works("docker", ["version"], env)) return stop;
    await delay(500);
  }
  await stop();
  const said = readFileSync(log, "utf8").trimEnd().split("\n").slice(-3).join("\n");
  throw new NoEngine(`a Docker engine was installed and does not run here:\n${said}`);
}

/** As a plug-in of the command line, in a configuration directory of its own. */
function buildCompose(directory, env, say) {
  const plugin = join(env.DOCKER_CONFIG, "cli-plugins", "docker-compose");
  if (existsSync(plugin)) return;
  say(`building docker compose ${compose.version} (some minutes, once)`);
  const source = join(directory, "compose");
  mkdirSync(source, { recursive: true });
  mkdirSync(dirname(plugin), { recursive: true });
  const command = `${compose.module}/cmd`;
  writeFileSync(
    join(source, "go.mod"),
    `module local\ngo ${compose.go}\nrequire ${compose.module} ${compose.version}\n`,
  );
  writeFileSync(join(source, "tools.go"), `//go:build tools\npackage local\nimport _ "${command}"\n`);
  try {
    run("go", ["mod", "tidy"], { cwd: source });
    run("go", ["build", "-mod=mod", "-o", plugin, command], { cwd: source });
  } catch (error) {
    throw new NoEngine(`docker compose could not be built: ${lastLine(error.message)}`);
  }
}

/** How a stand-in is made, by what it stands in for; each is a Dockerfile and what it copies. */
const standIns = {
  node: {
    prepare(context) {
      mkdirSync(join(context, "lib"), { recursive: true });
      copyFileSync(process.execPath, join(context, "node"));
      const npm = run("npm", ["root", "--global"]).trim();
      cpSync(join(npm, "npm"), join(context, "lib", "npm"), { recursive: true, dereference: true });
      const settings = join(homedir(), ".npmrc");
      writeFileSync(join(context, "npmrc"), existsSync(settings) ? readFileSync(settings) : "");
    },
    dockerfile: `ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
COPY node /usr/local/bin/node
COPY lib /usr/local/lib/node_modules
COPY npmrc /root/.npmrc
RUN cd /usr/local/bin && ln -s ../lib/node_modules/npm/bin/npm-cli.js npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js npx && useradd -m node
CMD ["node"]`,
  },
  envoy: {
    prepare: (context, { envoy }) => copyFileSync(envoy, join(context, "envoy")),
    dockerfile: `COPY envoy /usr/local/bin/envoy
ENTRYPOINT ["/usr/local/bin/envoy"]`,
  },
  prometheus: {
    prepare() {},
    dockerfile: `RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus
ENTRYPOINT ["/usr/bin/prometheus"]`,
  },
  redis: {
    prepare() {},
    dockerfile: `RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server`,
  },
};

/**
 * @param wanted image names by what they are: `{node: "node:20", grafana: ...}`.
 * @returns the names to use, those pulled and those of stand-ins, and which are not to be had.
 */
export function provideImages(engine, wanted, { directory, envoy, say }) {
  const images = {};
  const missing = [];
  let canPull = !engine.own; // until one cannot be pulled: then there is no registry
  const pull = (name) => {
    canPull &&= works("docker", ["pull", "-q", name], engine.env, pullMs);
    return canPull;
  };
  for (const [role, name] of Object.entries(wanted)) {
    const standIn = `sluice-stand-in-${role}:1`;
    if (hasImage(engine, name) || pull(name)) images[role] = name;
    else if (hasImage(engine, standIn)) images[role] = standIn;
    else if (role in standIns) {
      say(`making a stand-in for ${name}`);
      try {
        makeStandIn(engine, role, standIn, { directory, envoy });
      } catch (error) {
        throw new NoEngine(`no stand-in for ${name} could be made: ${lastLine(error.message)}`);
      }
      images[role] = standIn;
    } else missing.push(role);
  }
  return { images, missing };
}

const hasImage = (engine, name) => works("docker", ["image", "inspect", name], engine.env);

function makeStandIn(engine, role, name, { directory, envoy }) {
  const base = "sluice-stand-in-debian:1";
  if (!hasImage(engine, base)) {
    installPackages(
      ["debootstrap"].filter((one) => !isInstalled(one)),
      () => {},
    );
    makeBase(engine, base, directory);
  }
  const context = join(directory, "images", role);
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  standIns[role].prepare(context, { envoy });
  writeFileSync(join(context, "Dockerfile"), `FROM ${base}\n${standIns[role].dockerfile}\n`);
  docker(engine, ["build", "-q", "--network", "host", "-t", name, context]);
}

/** What this machine trusts and where it gets packages from, its images do too. */
function makeBase(engine, name, directory) {
  const root = join(directory, "root");
  rmSync(root, { recursive: true, force: true });
  const sources = "cat /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null";
  const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+\/debian\/?)(?:\s|$)/m.exec(
    run("sh", ["-c", `${sources}; true`]),
  )?.[1];
  const packages = "--include=ca-certificates,libstdc++6";
  run("debootstrap", [
    "--variant=minbase",
    packages,
    "bookworm",
    root,
    ...(mirror === undefined ? [] : [mirror]),
  ]);
  const certificates = "/etc/ssl/certs/ca-certificates.crt";
  copyFileSync(certificates, join(root, certificates));
  run("sh", ["-c", `tar -C "$0" -c . | docker import - ${name}`, root], {
    env: { ...process.env, ...engine.env },
  });
  rmSync(root, { recursive: true, force: true });
}

export const docker = (engine, args, options = {}) =>
  run("docker", args, { ...options, env: { ...process.env, ...engine.env, ...options.env } });

function works(command, args, env = {}, timeout = 20_000) {
  return spawnSync(command, args, { env: { ...process.env, ...env }, stdio: "ignore", timeout }).status === 0;
}

/** @returns its standard output; throws with what it said on standard error. */
function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    timeout: Math.max(1_000, begun + prepareMs - Date.now()),
    ...options,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.slice(0, 3).join(" ")} failed: ${error?.message ?? stderr.trimEnd()}`);
}

const lastLine = (text) => text.trimEnd().split("\n").at(-1);
