// Several examples at once: their meshes in one folder behind one Envoy, their sample services on free ports, and
// the commands of their READMEs with those ports in place of the ones that are written.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { instancesOf, startSamples } from "../../cli/up/samples.ts";
import { projectRoot } from "../../envoy/root.ts";
import { loadFolder } from "../../server/source/load.ts";
import { startTestMesh, type TestMesh } from "./mesh.ts";
import { freePorts } from "../../cli/up/free-ports.ts";
import { assertPrints, blocksOf, runCommand, stepsOf } from "./readme.ts";

export interface Examples extends TestMesh {
  /** Runs the `console` blocks of an example's README, with texts in place of others; resolves with the number of commands. */
  follow(example: string, instead?: Record<string, string>): Promise<number>;
  /** A port as the examples write it, and the one in its place. */
  portOf(written: number): number;
}

const samplePort = /\b18[1-9]\d\d\b/g;

export async function startExamples(
  names: readonly string[],
  options: { locality?: string; files?: Record<string, string> } = {},
): Promise<Examples> {
  const texts: Record<string, string> = { ...options.files };
  for (const name of names) {
    const folder = join(projectRoot, "examples", name);
    for (const file of await readdir(folder)) {
      if (file.endsWith(".yaml")) texts[`${name}-${file}`] = await readFile(join(folder, file), "utf8");
    }
  }
  const written = [...new Set(Object.values(texts).flatMap((text) => text.match(samplePort) ?? []))];
  const free = await freePorts(written.length);
  const ports = new Map(written.map((port, i) => [port, String(free[i])]));
  const translated = (text: string) => text.replace(samplePort, (port) => ports.get(port) ?? port);
  const files = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, translated(text)]));
  const samples = await startSamples(instancesOf(await resourcesOf(files)));
  const { locality } = options;
  const starting = startTestMesh({ files, services: [], ...(locality === undefined ? {} : { locality }) });
  const mesh = await starting.catch(async (error: unknown) => {
    await samples.close();
    throw error;
  });
  return {
    ...mesh,
    portOf: (port) => Number(ports.get(String(port))),
    follow: (name, instead = {}) =>
      follow(name, (text) =>
        Object.entries(instead).reduce(
          (all, [written, other]) => all.replaceAll(written, other),
          translated(text)
            .replaceAll("127.0.0.1:10000", `127.0.0.1:${mesh.port}`)
            .replaceAll("127.0.0.1:15000", `127.0.0.1:${mesh.envoy.adminPort}`),
        ),
      ),
    close: async () => {
      await mesh.close();
      await samples.close();
    },
  };
}

async function resourcesOf(files: Record<string, string>) {
  const directory = await mkdtemp(join(tmpdir(), "sluice-examples-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      if (name.endsWith(".yaml")) await writeFile(join(directory, name), text);
    }
    return (await loadFolder(directory)).resources;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function follow(name: string, translated: (text: string) => string): Promise<number> {
  const readme = await readFile(join(projectRoot, "examples", name, "README.md"), "utf8");
  let commands = 0;
  for (const block of blocksOf(readme).filter((b) => b.language === "console")) {
    for (const step of stepsOf(block)) {
      const output = await runCommand(translated(step.command), 60_000);
      assertPrints(output, { ...step, expected: step.expected.map(translated) });
      commands += 1;
    }
  }
  return commands;
}
