// What a client lacks of one type, compared with what it should have. Pure; the state belongs to the
// channel.

import type { TypeUrl, XdsResource } from "../model.ts";
import type { Variant } from "./protocol.ts";
import { isFullState, type Subscription } from "./subscription.ts";
import { contentVersion } from "./version.ts";

export type Resources = ReadonlyMap<string, XdsResource>;

/** What the present step lets this type do. */
export interface Leave {
  /** Resources that the client does not have yet, and new versions of those that it has. */
  changes: boolean;
  removals: boolean;
}

/** What the client has acknowledged of one name. `resource` is unknown after a reconnect. */
export interface Held {
  version: string;
  resource: XdsResource | undefined;
}

/** The version of a name that the client refused; a refused removal has no version. */
export interface Refusal {
  version: string;
  /** It was alone in its response, so that it is the culprit for certain. */
  isAlone: boolean;
}

export const removedVersion = "";

export interface ClientState {
  readonly typeUrl: TypeUrl;
  readonly variant: Variant;
  readonly subscription: Subscription;
  readonly held: Map<string, Held>;
  /** Names to be sent although the client has that version: asked for again, or of unknown state. */
  readonly owed: Set<string>;
  readonly refused: Map<string, Refusal>;
}

export interface Update {
  version: string;
  resources: readonly XdsResource[];
  removed: readonly string[];
  /** The resources that are new to the client, differ from what it has, or are owed. */
  changed: readonly string[];
}

export function difference(state: ClientState, target: Resources, leave: Leave): Update | undefined {
  const all = covered(state.subscription, target);
  const due = all.filter((resource) => isDue(state, resource, leave));
  const removed = removals(state, target, leave);
  if (due.length === 0 && removed.length === 0) return undefined;
  const changed = due.map((resource) => resource.name);
  if (state.variant === "delta") return { version: contentVersion(all), resources: due, removed, changed };
  if (!isFullState(state.typeUrl)) {
    return due.length === 0
      ? undefined
      : { version: contentVersion(all), resources: due, removed: [], changed };
  }
  // After a refusal only something new is worth a response: the same whole would be refused again.
  if (state.refused.size > 0 && due.length === 0) return undefined;
  const resources = whole(state, all, target, leave);
  return { version: contentVersion(resources), resources, removed: [], changed };
}

/** The resources of a snapshot that the client has subscribed to. */
export function covered(subscription: Subscription, target: Resources): XdsResource[] {
  if (subscription.wildcard) return [...target.values()];
  return [...subscription.names].flatMap((name) => target.get(name) ?? []);
}

function isDue(state: ClientState, { name, version }: XdsResource, leave: Leave): boolean {
  if (!leave.changes || state.refused.get(name)?.version === version) return false;
  return state.held.get(name)?.version !== version || state.owed.has(name);
}

/**
 * Names to be reported as gone: those owed that do not exist, and, last, of what the client has under a
 * wildcard whatever is no longer in the snapshot. Other names the client lets go by itself when nothing
 * refers to them any more; taking them away under a listener that still drains would fail its requests.
 */
function removals(state: ClientState, target: Resources, leave: Leave): string[] {
  const gone = new Set<string>();
  if (leave.changes && state.variant === "delta") {
    for (const name of state.owed) if (!target.has(name) && !state.held.has(name)) gone.add(name);
  }
  if (leave.removals && (state.subscription.wildcard || isFullState(state.typeUrl))) {
    for (const name of state.held.keys()) if (!target.has(name)) gone.add(name);
  }
  return [...gone].filter((name) => state.refused.get(name)?.version !== removedVersion);
}

/** State of the world: everything the client shall have, the last good version where one was refused. */
function whole(
  state: ClientState,
  all: readonly XdsResource[],
  target: Resources,
  leave: Leave,
): XdsResource[] {
  const result = all.flatMap((resource) => {
    const isRefused = state.refused.get(resource.name)?.version === resource.version;
    return isRefused ? (state.held.get(resource.name)?.resource ?? []) : resource;
  });
  if (leave.removals) return result;
  for (const [name, held] of state.held) {
    if (!target.has(name) && held.resource && state.subscription.covers(name)) result.push(held.resource);
  }
  return result;
}
