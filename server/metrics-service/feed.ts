// The picture once a second, for all who watch, and the last minutes of its totals.

import { type Point, reportTraffic, type TrafficReport } from "./report.ts";
import { Traffic } from "./traffic.ts";

/** Five minutes at one point a second. */
export const maxPoints = 300;

const periodMs = 1_000;

export class TrafficFeed {
  readonly traffic = new Traffic();
  readonly #watchers = new Set<(report: TrafficReport) => void>();
  readonly #history: Point[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.tick(Date.now()), periodMs);
    this.#timer.unref();
  }

  /** The returned function ends it. */
  watch(watcher: (report: TrafficReport) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  report(now: number): TrafficReport {
    return reportTraffic(this.traffic, now);
  }

  history(): readonly Point[] {
    return this.#history;
  }

  tick(now: number): void {
    const report = this.report(now);
    const { requests, errors, clientErrors, p50, p99 } = report.total;
    this.#history.push({ at: now, requests, errors, clientErrors, p50, p99 });
    if (this.#history.length > maxPoints) this.#history.shift();
    for (const watcher of this.#watchers) watcher(report);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
