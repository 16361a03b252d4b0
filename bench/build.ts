// `node --import tsx bench/build.ts [SERVICES]`: what a snapshot of a large folder costs, built from nothing and
// after an edit of one resource.
//
// Time is what the kernel charged to this process, garbage collection included: on a busy machine the wall clock
// says more of the neighbours. Edits are the median of several; a build from nothing is the first in its process.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../envoy/root.ts";
import { checkConfiguration, compileModule } from "../host/index.ts";
import { encodingCount } from "../server/encoded.ts";
import type { NodeIdentity } from "../server/model.ts";
import { type Built, build, loadModules, type SnapshotOptions } from "../server/snapshot.ts";
import { loadFolder } from "../server/source/load.ts";
import { largeFolder } from "./folder.ts";

const serviceCount = Number(process.argv[2] ?? 1_000);
const editCount = 7;

const node: NodeIdentity = {
  id: "",
  cluster: "",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion: "1.40.0",
};

interface Cost {
  load: number;
  build: number;
  encode: number;
  /** Messages encoded anew. */
  messages: number;
}

const modules = await loadModules(join(projectRoot, "build/filters"));
const options: SnapshotOptions = { listen: { host: "127.0.0.1", port: 10_000 }, modules, delivery: "inline" };
const directory = await mkdtemp(join(tmpdir(), "sluice-bench-"));
try {
  const services = largeFolder(serviceCount);
  await Promise.all(services.map((text, i) => writeFile(file(i), text)));
  const { built, cost } = await run(undefined);
  const routes = built.mesh.listeners.flatMap((l) => l.virtualHosts.flatMap((v) => v.routes)).length;
  console.log(
    `${routes} routes of ${serviceCount} services, ${built.mesh.policies.length} policies; ms of CPU`,
  );
  print("from nothing", cost);
  print("nothing edited", await edits(built, () => undefined));
  // The timeout of one route, then the limit of one policy.
  print(
    "one VirtualService",
    await edits(built, (text, n) => text.replace(/timeout: \d+s/, `timeout: ${100 + n}s`)),
  );
  print("one policy", await edits(built, (text, n) => text.replace(/requests: \d+/, `requests: ${200 + n}`)));
  await printChecks(built);

  async function edits(first: Built, edit: (text: string, n: number) => string | undefined): Promise<Cost> {
    const costs: Cost[] = [];
    let previous = first;
    for (let n = 0; n < editCount; n++) {
      const i = 2 * n;
      const text = edit(services[i] ?? "", n);
      if (text !== undefined) {
        services[i] = text;
        await writeFile(file(i), text);
      }
      const { built: next, cost: one } = await run(previous);
      previous = next;
      costs.push(one);
    }
    const median = (of: (cost: Cost) => number): number =>
      costs.map(of).sort((a, b) => a - b)[editCount >> 1] ?? 0;
    return {
      load: median((c) => c.load),
      build: median((c) => c.build),
      encode: median((c) => c.encode),
      messages: median((c) => c.messages),
    };
  }
} finally {
  await rm(directory, { recursive: true });
}

function file(i: number): string {
  return join(directory, `service-${i}.yaml`);
}

async function run(previous: Built | undefined): Promise<{ built: Built; cost: Cost }> {
  const messages = encodingCount();
  const start = cpuMs();
  const { resources } = await loadFolder(directory);
  const loaded = cpuMs();
  const built = build(resources, options, previous);
  const compiled = cpuMs();
  built.snapshotFor(node);
  const encoded = cpuMs();
  const errors = built.diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(errors[0]?.message);
  const cost = {
    load: loaded - start,
    build: compiled - loaded,
    encode: encoded - compiled,
    messages: encodingCount() - messages,
  };
  return { built, cost };
}

/** What the pipeline does besides: each filter's configuration is tried in its release module. */
async function printChecks(built: Built): Promise<void> {
  for (const { filter, configuration } of built.plugins) {
    const module = modules[filter];
    if (module === undefined) continue;
    const compiled = await compileModule(module.bytes);
    const start = cpuMs();
    await checkConfiguration(compiled, configuration);
    const kib = Math.round(configuration.length / 1024);
    console.log(`  check of ${filter}, ${kib} KiB: ${Math.round(cpuMs() - start)}`);
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function print(what: string, { load, build: built, encode, messages }: Cost): void {
  const [l, b, e] = [load, built, encode].map(Math.round);
  console.log(`  ${what}: load ${l}, build ${b}, encode ${e}; ${messages} messages encoded`);
}
