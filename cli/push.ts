// `sluice push`: the release modules as OCI images in a registry, from which Istio and Envoy Gateway load them.

import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { projectRoot } from "../envoy/root.ts";
import { credentialsFor } from "../server/oci/credentials.ts";
import { imageOf } from "../server/oci/image.ts";
import { pushImage } from "../server/oci/push.ts";
import { isLocal, parseReference, type Reference } from "../server/oci/reference.ts";
import { loadModules } from "../server/policy/modules.ts";
import { version } from "./version.ts";

interface PushOptions {
  filter: string[];
  plainHttp?: boolean;
}

const examples = `
Examples:
  $ sluice push registry.example/team/sluice           every filter, as .../sluice/NAME:${version}
  $ sluice push registry.example/team/sluice:stable --filter rate_limit --filter fault
  $ sluice render --config mesh/ --target istio --module-url oci://registry.example/team/sluice

Credentials are those of \`docker login\`. A registry on this machine is asked without TLS. What is pushed is printed
as REGISTRY/REPOSITORY/NAME:TAG@DIGEST; equal modules have equal digests.

Exit code: 0, or 2 when the registry refuses or cannot be reached.`;

export function register(program: Command): void {
  program
    .command("push")
    .summary("push the filters to an OCI registry")
    .description(
      "Pushes the release modules to a registry, each as an image of its own in the layout that Istio documents: " +
        "one layer with plugin.wasm.",
    )
    .argument("<reference>", "REGISTRY/REPOSITORY[:TAG]; the tag is the version by default", parse)
    .option("--filter <name>", "only this one; may be given several times", collect, [])
    .option("--plain-http", "no TLS")
    .addHelpText("after", examples)
    .action(run);
}

function parse(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

const collect = (name: string, before: string[]): string[] => [...before, name];

async function run(reference: Reference, { filter, plainHttp }: PushOptions): Promise<void> {
  const modules = loadModules(join(projectRoot, "build", "filters"));
  const names = filter.length > 0 ? filter : Object.keys(modules);
  const { registry, repository, tag = version } = reference;
  const options = {
    plainHttp: plainHttp ?? isLocal(registry),
    credentials: credentialsFor(registry),
  };
  const chosen = names.map((name) => {
    const module = Object.hasOwn(modules, name) ? modules[name] : undefined;
    if (module !== undefined) return module;
    throw new Error(`there is no filter ${name}: there are ${Object.keys(modules).join(", ")}`);
  });
  for (const module of chosen) {
    const image = imageOf(module, version);
    const target = { registry, repository: `${repository}/${module.name}`, tag };
    await pushImage(target, image, options);
    process.stdout.write(`${registry}/${target.repository}:${tag}@${image.manifest.digest}\n`);
  }
}
