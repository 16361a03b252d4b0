// "Did you mean": the closest of the words that are known.

/** Edits between two words: inserted, removed and replaced letters, and neighbours swapped. */
export function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** Letters and digits only, in lower case: `per_try_timeout` and `perTryTimeout` are the same word. */
const bare = (word: string) => word.replace(/[^A-Za-z0-9]/g, "").toLowerCase();

/**
 * The closest known word with its distance, if it is close enough to be a slip of the pen: at most a third
 * of the letters differ. 0: only case, dashes or underscores differ.
 */
export function closest(
  word: string,
  known: readonly string[],
): { word: string; distance: number } | undefined {
  if (word.length > 64) return undefined;
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const edits = distance(bare(word), bare(candidate));
    if (best === undefined || edits < best.distance) best = { word: candidate, distance: edits };
  }
  if (best === undefined) return undefined;
  const most = Math.max(1, Math.floor(Math.max(word.length, best.word.length) / 3));
  return best.distance <= most && best.distance < best.word.length ? best : undefined;
}
