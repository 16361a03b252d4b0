// From a folder to what proxies are served: load, build, try every plugin's configuration in its release
// module, publish. What fails on the way changes nothing: the last good snapshot goes on, and what is
// wrong is kept for log, API and status. One build at a time; what changed meanwhile is built next.

import type { Diagnostic } from "../schema/diagnostic.ts";
import type { NodeIdentity, Resource, Snapshot, SnapshotSource, Sources } from "./model.ts";
import type { History } from "./history.ts";
import type { LastGood } from "./last-good.ts";
import { type Refusal, refusalDiagnostic } from "./refusal.ts";

/** What a build gives, as far as the pipeline cares. */
export interface BuiltSnapshot {
  readonly diagnostics: readonly Diagnostic[];
  readonly plugins: readonly { filter: string; configuration: string }[];
  /** The same snapshot for nodes that get the same. */
  snapshotFor(node: NodeIdentity): Snapshot;
  /** What is in force: the resources, with the previous version of a policy that is at fault. */
  servedResources?(): readonly Resource[];
}

export interface Stages<Built extends BuiltSnapshot> {
  load(directory: string): Promise<Sources>;
  build(resources: readonly Resource[], previous: Built | undefined): Built;
  check(filter: string, configuration: string): Promise<{ ok: true } | { ok: false; refusal: Refusal }>;
  watch(directory: string, onChange: () => void): Promise<{ close(): Promise<void> }>;
}

export interface PipelineOptions<Built extends BuiltSnapshot> {
  directory: string;
  stages: Stages<Built>;
  lastGood?: LastGood;
  history?: History;
  /** Serve this version of the history, whatever the folder holds. */
  pin?: string;
  onBuilt?: (state: ConfigurationState) => void;
  /** The last good configuration, or the history, could not be written to disk. */
  onStateError?: (error: unknown) => void;
}

export interface ConfigurationState {
  directory: string;
  /** Of the snapshot served to a gateway; empty before the first one. */
  version: string;
  /** When what is served was built. */
  builtAt: string;
  /** What is served is older than what the folder holds, because that is in error. */
  isLastGood: boolean;
  /** What is served was read from the state directory at the start. */
  isFromState: boolean;
  /** The version of the history that is served in place of what the folder holds, and its time. */
  pinned?: { version: string; at: string };
  /** Count of resources served, by kind. */
  resources: Readonly<Record<string, number>>;
  /** Errors and warnings of the newest attempt. */
  diagnostics: readonly Diagnostic[];
  attempts: number;
  failures: number;
}

interface Attempt<Built> {
  built: Built | undefined;
  resources: readonly Resource[];
  diagnostics: readonly Diagnostic[];
}

/** Whose snapshot gives the version that is shown: a gateway of the Envoy that is tested. */
const anyGateway: NodeIdentity = {
  id: "",
  cluster: "",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion: "1.40.0",
};

export class Pipeline<Built extends BuiltSnapshot = BuiltSnapshot> implements SnapshotSource {
  readonly #options: PipelineOptions<Built>;
  readonly #subscribers = new Set<() => void>();
  #built: Built | undefined;
  #state: ConfigurationState;
  #isStale = false;
  #running: Promise<void> | undefined;
  #watch: { close(): Promise<void> } | undefined;

  constructor(options: PipelineOptions<Built>) {
    this.#options = options;
    this.#state = {
      directory: options.directory,
      version: "",
      builtAt: "",
      isLastGood: false,
      isFromState: false,
      resources: {},
      diagnostics: [],
      attempts: 0,
      failures: 0,
    };
  }

  /** Builds once, and follows the folder from then on. False when there is nothing that can be served. */
  async start(options: { useLastGood: boolean }): Promise<boolean> {
    const { pin, history } = this.#options;
    if (pin !== undefined && history !== undefined) await this.#restorePinned(pin, history);
    // Watching begins first, so that no change is lost between the two.
    this.#watch = await this.#options.stages.watch(this.#options.directory, () => void this.rebuild());
    await this.rebuild();
    if (this.#built === undefined && options.useLastGood) await this.#restore();
    return this.#built !== undefined;
  }

  /** Resolves when what the folder holds now has been tried. */
  rebuild(): Promise<void> {
    this.#isStale = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  current(node: NodeIdentity): Snapshot | undefined {
    return this.#built?.snapshotFor(node);
  }

  /** What a gateway that says nothing of itself is sent. */
  gatewaySnapshot(): Snapshot | undefined {
    return this.current(anyGateway);
  }

  subscribe(onChange: () => void): () => void {
    this.#subscribers.add(onChange);
    return () => this.#subscribers.delete(onChange);
  }

  state(): ConfigurationState {
    return this.#state;
  }

  /** What is served now, for those who read more of it than a snapshot. */
  built(): Built | undefined {
    return this.#built;
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    this.#isStale = false;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      const attempt = await this.#attempt();
      if (this.#state.pinned !== undefined) this.#note(attempt);
      else if (attempt.built) await this.#accept(attempt.built, attempt);
      else this.#refuse(attempt.diagnostics);
      this.#options.onBuilt?.(this.#state);
    }
  }

  async #attempt(): Promise<Attempt<Built>> {
    const { directory, stages } = this.#options;
    try {
      const { resources, diagnostics } = await stages.load(directory);
      if (diagnostics.some(isError)) return { built: undefined, resources, diagnostics };
      return await this.#build(resources, diagnostics);
    } catch (error) {
      const diagnostic = whole(directory, error instanceof Error ? error.message : String(error));
      return { built: undefined, resources: [], diagnostics: [diagnostic] };
    }
  }

  async #build(resources: readonly Resource[], loaded: readonly Diagnostic[]): Promise<Attempt<Built>> {
    const built = this.#options.stages.build(resources, this.#built);
    const refusals = await this.#tryPlugins(built, resources);
    const diagnostics = [...loaded, ...built.diagnostics, ...refusals];
    const holdsBack = built.diagnostics.some(isFatal) || refusals.length > 0;
    // What cannot be encoded shall fail here, where it holds back nothing but itself.
    if (!holdsBack) built.snapshotFor(anyGateway);
    return { built: holdsBack ? undefined : built, resources, diagnostics };
  }

  async #tryPlugins(built: Built, resources: readonly Resource[]): Promise<Diagnostic[]> {
    const diagnostics: Diagnostic[] = [];
    for (const { filter, configuration } of built.plugins) {
      const result = await this.#options.stages.check(filter, configuration);
      if (result.ok) continue;
      const { directory } = this.#options;
      diagnostics.push(
        refusalDiagnostic({ filter, configuration, refusal: result.refusal, resources, directory }),
      );
    }
    return diagnostics;
  }

  async #accept(built: Built, attempt: Attempt<Built>): Promise<void> {
    this.#publish(built, attempt, new Date().toISOString(), false);
    const { lastGood, history, directory, onStateError } = this.#options;
    await lastGood?.save(directory, attempt.resources, this.#state).catch(onStateError);
    const { version, builtAt } = this.#state;
    const served = built.servedResources?.() ?? attempt.resources;
    await history?.add(version, builtAt, served).catch(onStateError);
  }

  #publish(built: Built, attempt: Attempt<Built>, builtAt: string, isFromState: boolean): void {
    this.#built = built;
    const version = this.gatewaySnapshot()?.version ?? "";
    const isSame = version === this.#state.version;
    this.#state = {
      ...this.#state,
      version,
      builtAt: isSame ? this.#state.builtAt : builtAt,
      isLastGood: isFromState,
      isFromState,
      resources: countKinds(attempt.resources),
      diagnostics: attempt.diagnostics,
      attempts: this.#state.attempts + (isFromState ? 0 : 1),
    };
    for (const onChange of this.#subscribers) onChange();
  }

  #refuse(diagnostics: readonly Diagnostic[]): void {
    this.#state = {
      ...this.#state,
      diagnostics,
      isLastGood: this.#built !== undefined,
      attempts: this.#state.attempts + 1,
      failures: this.#state.failures + 1,
    };
  }

  /** While a version is pinned the folder is checked, and changes nothing. */
  #note({ built, diagnostics }: Attempt<Built>): void {
    const { attempts, failures } = this.#state;
    const failed = built === undefined ? 1 : 0;
    this.#state = { ...this.#state, diagnostics, attempts: attempts + 1, failures: failures + failed };
  }

  async #restorePinned(pin: string, history: History): Promise<void> {
    const { entry, resources } = await history.find(pin);
    const { built, diagnostics } = await this.#build(resources, []);
    if (built === undefined) {
      const reasons = diagnostics.filter(isError).map((d) => d.message);
      throw new Error(`version ${entry.version} cannot be served any more: ${reasons.join(" ")}`);
    }
    this.#state = { ...this.#state, pinned: { version: entry.version, at: entry.at } };
    this.#publish(built, { built, resources, diagnostics }, entry.at, true);
    this.#state = { ...this.#state, isLastGood: false };
  }

  async #restore(): Promise<void> {
    const saved = await this.#options.lastGood?.load(this.#options.directory);
    if (!saved) return;
    const { diagnostics } = this.#state;
    const { built } = await this.#build(saved.resources, []);
    if (!built) return;
    this.#publish(built, { built, resources: saved.resources, diagnostics }, saved.builtAt, true);
    this.#options.onBuilt?.(this.#state);
  }
}

function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.severity === "error";
}

/** An error of a policy's own, or of a certificate's, leaves the previous one in force and does not stop the rest. */
function isFatal(diagnostic: Diagnostic): boolean {
  const isContained = diagnostic.isContained ?? /^\w+Policy /.test(diagnostic.resource ?? "");
  return isError(diagnostic) && !isContained;
}

function whole(directory: string, message: string): Diagnostic {
  return { file: directory, line: 1, column: 1, severity: "error", path: "", message };
}

function countKinds(resources: readonly Resource[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of resources) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
