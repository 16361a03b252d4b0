// The pipeline's stages as the server runs them: YAML folder, mesh and policies, release modules in the
// Node host, file system events.

import { checkConfiguration, type CompiledModule, compileModule } from "../host/index.ts";
import type { Stages } from "./pipeline.ts";
import { type Built, build, type SnapshotOptions } from "./snapshot.ts";
import { loadFolder } from "./source/load.ts";
import { watchFolder } from "./source/watch.ts";
import { WatchedFiles } from "./source/watched-files.ts";

/** Configurations remembered as accepted; each is as long as its text. */
const maxAccepted = 16;

export type ServerStages = Stages<Built>;

export function createStages(options: SnapshotOptions): ServerStages {
  const compiled = new Map<string, Promise<CompiledModule>>();
  const accepted = new Set<string>();
  const beside = new WatchedFiles();
  return {
    load: (directory) => loadFolder(directory),
    build(resources, previous) {
      const built = build(resources, options, previous);
      beside.watch(built.files());
      return built;
    },
    async watch(directory, onChange) {
      const folder = await watchFolder(directory, onChange);
      beside.onChange = onChange;
      return {
        async close() {
          await Promise.all([folder.close(), beside.close()]);
        },
      };
    },
    async check(filter, configuration) {
      const module = options.modules[filter];
      if (!module) throw new Error(`there is no filter ${filter}`);
      // The same module with the same text gives the same answer: only what changed is run.
      const key = `${module.sha256} ${configuration}`;
      if (accepted.has(key)) return { ok: true };
      const ready = compiled.get(filter) ?? compileModule(module.bytes);
      compiled.set(filter, ready);
      const result = await checkConfiguration(await ready, configuration);
      if (result.ok) {
        accepted.add(key);
        for (const oldest of accepted) {
          if (accepted.size <= maxAccepted) break;
          accepted.delete(oldest);
        }
      }
      return result;
    },
  };
}
