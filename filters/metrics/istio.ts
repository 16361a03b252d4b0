export function countIstio(durationMs: u64, maxSeries: u32): void {}
