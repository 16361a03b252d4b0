// Leader election on a Lease: of several controllers one writes. A holder renews its lease; who sees no renewal for
// as long as the lease lasts, by its own clock, takes it over. The API server lets one of two takers win.

import type { Cluster } from "./cluster.ts";
import { messageOf } from "./cluster.ts";
import type { KubeObject } from "./objects.ts";
import type { Logger } from "../log.ts";

export interface LeaseOptions {
  namespace: string;
  name: string;
  /** Of this process, unlike any other's. */
  identity: string;
  durationSeconds: number;
  renewMs: number;
}

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export class Lease {
  readonly #cluster: Cluster;
  readonly #options: LeaseOptions;
  readonly #logger: Logger;
  readonly #onChange: (isLeader: boolean) => void;
  #isLeader = false;
  /** The other's renewal that was seen last, and when. */
  #seen = { renewal: "", at: 0 };
  #renewedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(
    cluster: Cluster,
    options: LeaseOptions,
    logger: Logger,
    onChange: (isLeader: boolean) => void,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#logger = logger;
    this.#onChange = onChange;
  }

  /** Also false once the last renewal is so old that another may have taken over. */
  get isLeader(): boolean {
    return this.#isLeader && Date.now() - this.#renewedAt < this.#options.durationSeconds * 1_000;
  }

  start(): void {
    this.#running = this.#round().finally(() => {
      this.#timer = setTimeout(() => this.start(), this.#options.renewMs);
    });
  }

  /** Gives the lease back, so that another need not wait for its end. */
  async stop(): Promise<void> {
    await this.#running;
    clearTimeout(this.#timer);
    if (!this.isLeader) return;
    const current = await this.#read().catch(() => undefined);
    if (current === undefined || specOf(current).holderIdentity !== this.#options.identity) return;
    await this.#write(current, { ...specOf(current), holderIdentity: "", leaseDurationSeconds: 1 }).catch(
      () => {},
    );
  }

  async #round(): Promise<void> {
    const begun = Date.now();
    try {
      const holds = await this.#tryAcquire();
      // A renewal that came late: what was left undone meanwhile is done now.
      if (holds && this.#isLeader && !this.isLeader) this.#isLeader = false;
      if (holds) this.#renewedAt = begun;
      this.#become(holds);
    } catch (error) {
      this.#logger.warn({ event: "lease", error: messageOf(error) }, "the lease could not be renewed");
      if (!this.isLeader) this.#become(false);
    }
  }

  #become(isLeader: boolean): void {
    if (isLeader === this.#isLeader) return;
    this.#isLeader = isLeader;
    this.#logger.info({ event: "leader", leader: isLeader }, isLeader ? "leads" : "leads no more");
    this.#onChange(isLeader);
  }

  async #tryAcquire(): Promise<boolean> {
    const { identity, durationSeconds } = this.#options;
    const now = microTime();
    const current = await this.#read();
    if (current === undefined) {
      const spec = {
        holderIdentity: identity,
        leaseDurationSeconds: durationSeconds,
        acquireTime: now,
        renewTime: now,
      };
      await this.#cluster.create({ ...this.#object(), spec: { ...spec, leaseTransitions: 0 } });
      return true;
    }
    const spec = specOf(current);
    const isOwn = spec.holderIdentity === identity;
    if (!isOwn && !this.#isOver(spec)) return false;
    const taken = isOwn ? {} : { acquireTime: now, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 };
    await this.#write(current, {
      ...spec,
      ...taken,
      holderIdentity: identity,
      leaseDurationSeconds: durationSeconds,
      renewTime: now,
    });
    return true;
  }

  #isOver({ holderIdentity = "", renewTime = "", leaseDurationSeconds = 0 }: LeaseSpec): boolean {
    if (holderIdentity === "") return true;
    const renewal = `${holderIdentity} ${renewTime}`;
    if (renewal !== this.#seen.renewal) this.#seen = { renewal, at: Date.now() };
    return Date.now() - this.#seen.at > leaseDurationSeconds * 1_000;
  }

  #object(): { apiVersion: string; kind: string; metadata: { name: string; namespace: string } } {
    const { name, namespace } = this.#options;
    return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace } };
  }

  #read(): Promise<KubeObject | undefined> {
    return this.#cluster.read(this.#object());
  }

  /** With the version that was read: the API server refuses a second writer. */
  #write(current: KubeObject, spec: LeaseSpec): Promise<void> {
    const resourceVersion = current.metadata?.resourceVersion;
    const metadata = {
      ...this.#object().metadata,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    return this.#cluster.replace({ ...this.#object(), metadata, spec });
  }
}

/** The client makes dates of times, which lose their microseconds. */
function specOf(lease: KubeObject): LeaseSpec {
  const text = (value: unknown): string => (value instanceof Date ? microTime(value) : String(value ?? ""));
  const spec = (lease.spec ?? {}) as Record<string, unknown>;
  return { ...spec, acquireTime: text(spec.acquireTime), renewTime: text(spec.renewTime) };
}

const microTime = (at = new Date()): string => at.toISOString().replace("Z", "000Z");
