// Hosts that are referred to and that no ServiceEntry has. One missing ServiceEntry is one cause, however many
// resources refer to the host: it is told once, where requests would be sent to it.

import { type FieldPath, formatPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import { hostHint, identity, type Report } from "./report.ts";

interface Use {
  resource: Resource;
  path: FieldPath;
}

export class UnknownHosts {
  readonly #byHost = new Map<string, Map<string, Use>>();

  add(host: string, resource: Resource, path: FieldPath): void {
    const uses = this.#byHost.get(host) ?? new Map<string, Use>();
    uses.set(`${identity(resource)} ${formatPath(path)}`, { resource, path });
    this.#byHost.set(host, uses);
  }

  report(known: readonly string[], report: Report): void {
    for (const [host, byPlace] of this.#byHost) {
      const uses = [...byPlace.values()];
      const first = uses.find(({ resource }) => resource.kind !== "DestinationRule") ?? uses[0];
      if (first === undefined) continue;
      const more = uses.length === 1 ? "" : ` It is referred to in ${uses.length} places.`;
      const hint =
        known.length === 0 ? " Add one with its endpoints." : hostHint(host, known, "ServiceEntry");
      const message = `No ServiceEntry has the host "${host}".${hint}${more}`;
      report.error(first.resource, first.path, message);
    }
  }
}
