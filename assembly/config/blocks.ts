// The memory of one configuration: a chain of blocks, freed together when the configuration is replaced.
//
// A block is laid out as  0 next block u32 | 4 unused | 8 what was allocated, aligned to 8.
// One configuration is built at a time; nothing here is called on a request path.

const HEADER_SIZE: usize = 8;
const SMALLEST: usize = 4096;
const LARGEST: usize = 262_144;

let head: usize = 0;
let at: usize = 0;
let end: usize = 0;
let nextSize: usize = SMALLEST;

/** Starts a new chain. */
export function beginBlocks(): void {
  head = 0;
  at = 0;
  end = 0;
  nextSize = SMALLEST;
}

/** The chain built since beginBlocks. */
export function takeBlocks(): usize {
  const chain = head;
  beginBlocks();
  return chain;
}

export function freeBlocks(chain: usize): void {
  while (chain !== 0) {
    const next = load<usize>(chain);
    heap.free(chain);
    chain = next;
  }
}

/** `size` zeroed bytes, aligned to 8, that live as long as the configuration being built. */
export function allocate(size: usize): usize {
  size = (size + 7) & ~7;
  if (size > end - at) addBlock(size);
  const start = at;
  at += size;
  return start;
}

/** As allocate, in a block of its own: for what is large and comes first. */
export function allocateApart(size: usize): usize {
  return newBlock((size + 7) & ~7) + HEADER_SIZE;
}

function addBlock(size: usize): void {
  const room = max(size, nextSize);
  at = newBlock(room) + HEADER_SIZE;
  end = at + room;
  if (nextSize < LARGEST) nextSize <<= 1;
}

function newBlock(size: usize): usize {
  const block = heap.alloc(HEADER_SIZE + size);
  memory.fill(block, 0, HEADER_SIZE + size);
  store<usize>(block, head);
  head = block;
  return block;
}
