// Scratch memory for whatever the host returns, and for what a callback builds: bumped, reset as each callback
// begins, never grown by one.
//
//   base                         at                    limit        end
//   | returned in this callback  | free                | other plugins' |
//
// What does not fit is not handed out (0): the hostcall then fails with status 6 and nothing dies.

/** The arena before a configuration has said how large it shall be: room for names of plugins. */
const FIRST_SIZE: usize = 4096;
const first: usize = memory.data(4096, 8);

let base: usize = first;
let at: usize = first;
let end: usize = first + FIRST_SIZE;
let limit: usize = end;
let pending: usize = 0;
let pendingSize: usize = 0;

/** How often something did not fit since the module was loaded. */
export let arenaRefusals: u32 = 0;

/** The start of a callback: all that earlier callbacks were given is gone. */
// @ts-ignore: decorator
@inline
export function resetArena(): void {
  at = base;
  limit = end;
}

/** `size` bytes of scratch memory, aligned to 8; 0 when they do not fit. */
export function scratch(size: usize): usize {
  const start = at;
  if (size > limit - start) {
    arenaRefusals += 1;
    return 0;
  }
  // The limit is aligned, so rounding up does not pass it.
  at = start + ((size + 7) & ~7);
  return start;
}

/** What the host calls for memory, while one of our hostcalls is under way. */
export function hostMemory(size: usize): usize {
  if (pending !== 0) {
    const given = size <= pendingSize ? pending : 0;
    pending = 0;
    return given;
  }
  return scratch(size);
}

/** The next memory that the host asks for is `block`, for what must outlive the callback. */
export function lend(block: usize, size: usize): void {
  pending = block;
  pendingSize = size;
}

/** Only `size` bytes of the arena serve this callback: what the configuration allows, however large it has become. */
// @ts-ignore: decorator
@inline
export function limitArena(size: usize): void {
  limit = base + size;
}

/** Configure only. The arena has at least `size` bytes from now on; it never shrinks. */
export function ensureArena(size: usize): void {
  size = (size + 7) & ~7;
  if (size <= end - base) return;
  if (base !== first) heap.free(base);
  base = heap.alloc(size);
  at = base;
  end = base + size;
  limit = end;
}
