// One resource type on one stream: what the client asked for, has acknowledged and has refused. It never
// has more than one response under way. A refused version is not sent again; the type stands still at
// the last good one until the snapshot holds something else.

import type { TypeSync, TypeUrl, XdsResource } from "../model.ts";
import {
  type ClientState,
  covered,
  difference,
  type Held,
  type Leave,
  type Refusal,
  removedVersion,
  type Resources,
  type Update,
} from "./difference.ts";
import type { DiscoveryRequest, Variant } from "./protocol.ts";
import { isFullState, Subscription } from "./subscription.ts";
import { contentVersion, mapVersion } from "./version.ts";

interface InFlight {
  nonce: string;
  resources: readonly XdsResource[];
  removed: readonly string[];
  snapshotVersion: string;
}

/** What a request did to the response under way. */
export type Reply = "ack" | "nack" | "none";

export class Channel implements ClientState {
  readonly typeUrl: TypeUrl;
  readonly variant: Variant;
  readonly subscription: Subscription;
  readonly held = new Map<string, Held>();
  readonly owed = new Set<string>();
  readonly refused = new Map<string, Refusal>();
  /** Whether the client has asked for this type on this stream. */
  requested = false;
  /** Content of the type in the snapshot that was sent last. */
  #content = "";
  #inFlight: InFlight | undefined;
  #lastNonce = "";
  #claimedVersion: string | undefined;
  /** What it reported of an earlier stream has not been compared with a snapshot yet. */
  #isReturning = false;
  #snapshotVersion = "";
  #acknowledged = "";
  #error = "";
  /** The comparison that last found nothing to send: until something changes it need not be made again. */
  #clean: { target: Resources; leave: Leave } | undefined;

  constructor(typeUrl: TypeUrl, variant: Variant) {
    this.typeUrl = typeUrl;
    this.variant = variant;
    this.subscription = new Subscription(typeUrl);
  }

  get isBusy(): boolean {
    return this.#inFlight !== undefined;
  }

  get isRefusing(): boolean {
    return this.refused.size > 0;
  }

  receive(request: DiscoveryRequest): Reply {
    const isFirst = !this.requested;
    this.requested = true;
    // Under state of the world a request with an old nonce was overtaken by a response; the client's
    // answer to that one carries its whole list again. Under delta its changes count all the same.
    if (this.variant === "sotw" && !isFirst && request.nonce !== this.#lastNonce) return "none";
    const reply = this.#settleResponse(request);
    if (isFirst) this.#rememberReconnect(request);
    this.#subscribe(request, isFirst);
    return reply;
  }

  /** A new snapshot: what was refused may be tried again if the type's content is another one now. */
  retarget(target: Resources): void {
    this.#clean = undefined;
    if (!this.isRefusing || mapVersion(target) === this.#content) return;
    for (const [name, { version, isAlone }] of this.refused) {
      const wanted = target.get(name)?.version ?? removedVersion;
      if (!isAlone || wanted !== version) this.refused.delete(name);
    }
  }

  /** Sends these once more where the client has subscribed to them by name. */
  resend(names: Iterable<string>): void {
    for (const name of names) if (this.subscription.names.has(name)) this.owed.add(name);
    this.#clean = undefined;
  }

  /** The next response, or undefined when the client has all that it may get now. */
  next(target: Resources, leave: Leave): Update | undefined {
    if (!this.requested || this.#inFlight) return undefined;
    if (this.#clean?.target === target && isSameLeave(this.#clean.leave, leave)) return undefined;
    if (this.#isReturning) this.#recognise(target);
    this.#isReturning = false;
    const update = difference(this, target, leave);
    this.#clean = update ? undefined : { target, leave };
    return update;
  }

  /** `target` is the snapshot's own content, also where an interim version of it was sent. */
  sent(update: Update, nonce: string, snapshotVersion: string, target: Resources): void {
    this.#inFlight = { nonce, resources: update.resources, removed: update.removed, snapshotVersion };
    this.#lastNonce = nonce;
    this.#snapshotVersion = snapshotVersion;
    this.#content = mapVersion(target);
    for (const name of update.changed) this.owed.delete(name);
    for (const name of update.removed) this.owed.delete(name);
  }

  /** The client has all of this snapshot's type. */
  settle(snapshotVersion: string): void {
    this.#snapshotVersion = snapshotVersion;
    this.#acknowledged = snapshotVersion;
  }

  sync(): TypeSync {
    const isPending = this.isBusy || this.#acknowledged === "";
    return {
      acknowledged: this.#acknowledged,
      sent: this.#snapshotVersion,
      state: this.isRefusing ? "nacked" : isPending ? "pending" : "synced",
      error: this.isRefusing ? this.#error : "",
    };
  }

  #settleResponse(request: DiscoveryRequest): Reply {
    const response = this.#inFlight;
    if (!response || request.nonce !== response.nonce) return "none";
    this.#inFlight = undefined;
    this.#clean = undefined;
    if (request.error !== undefined) {
      this.#refuse(response, request.error);
      return "nack";
    }
    if (this.variant === "sotw" && isFullState(this.typeUrl)) this.held.clear();
    for (const resource of response.resources) {
      this.refused.delete(resource.name);
      if (!this.subscription.covers(resource.name)) continue;
      this.held.set(resource.name, { version: resource.version, resource });
    }
    for (const name of response.removed) {
      this.held.delete(name);
      this.refused.delete(name);
    }
    this.#acknowledged = response.snapshotVersion;
    return "ack";
  }

  #refuse(response: InFlight, error: string): void {
    this.#error = error;
    const isAlone = response.resources.length + response.removed.length === 1;
    for (const { name, version } of response.resources) {
      this.refused.set(name, { version, isAlone });
      // The client may have taken a part of it: whatever comes next for this name must be sent.
      this.owed.add(name);
    }
    for (const name of response.removed) this.refused.set(name, { version: removedVersion, isAlone });
  }

  #rememberReconnect(request: DiscoveryRequest): void {
    this.#clean = undefined;
    this.#isReturning = true;
    if (request.versionInfo) this.#claimedVersion = request.versionInfo;
    for (const [name, version] of Object.entries(request.initialVersions ?? {})) {
      this.held.set(name, { version, resource: undefined });
    }
  }

  #subscribe(request: DiscoveryRequest, isFirst: boolean): void {
    const { asked, left } =
      this.variant === "sotw"
        ? this.subscription.replace(request.names ?? [])
        : this.subscription.change(request.subscribe ?? [], request.unsubscribe ?? []);
    for (const name of asked) {
      // What the client says it has after a reconnect need not come again.
      if (isFirst && (this.#claimedVersion !== undefined || this.held.has(name))) continue;
      this.owed.add(name);
    }
    for (const name of left) {
      this.held.delete(name);
      this.owed.delete(name);
      this.refused.delete(name);
    }
    if (asked.length > 0 || left.length > 0) this.#clean = undefined;
  }

  /** What a returning client reports, as far as the present content tells what it is. */
  #recognise(target: Resources): void {
    for (const [name, held] of this.held) {
      const resource = target.get(name);
      if (resource?.version === held.version) held.resource ??= resource;
    }
    if (this.#claimedVersion === undefined) return;
    // State of the world reports one version: equal to that of the present content, it has all of that.
    const content = covered(this.subscription, target);
    if (contentVersion(content) === this.#claimedVersion) {
      for (const resource of content) this.held.set(resource.name, { version: resource.version, resource });
    }
    this.#claimedVersion = undefined;
  }
}

function isSameLeave(a: Leave, b: Leave): boolean {
  return a.changes === b.changes && a.removals === b.removals;
}
