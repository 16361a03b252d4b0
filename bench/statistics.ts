// Samples to numbers.

export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

/** The slope of y over x by least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean((p) => p[0]);
  const y = mean((p) => p[1]);
  const over = points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0);
  return over / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0);
}
