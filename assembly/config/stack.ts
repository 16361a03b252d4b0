// Records under construction. They lie on a stack that may move as it grows, so they are named by their offset in
// it, and are copied to the configuration's memory when complete.

import { allocate } from "./blocks";

/** Where the stack lies now; an offset is added to it anew after every push. */
export let stack: usize = 0;

let stackSize: usize = 0;

/** The offset of the next byte. */
export let top: usize = 0;

/** An empty stack; closeStack must follow. */
export function openStack(): void {
  stackSize = 4096;
  stack = heap.alloc(stackSize);
  top = 0;
}

export function closeStack(): void {
  heap.free(stack);
}

/** Room for `size` zeroed bytes on the stack; returns its offset. */
export function push(size: usize): usize {
  const offset = top;
  top += size;
  if (top > stackSize) {
    while (stackSize < top) stackSize <<= 1;
    stack = heap.realloc(stack, stackSize);
  }
  memory.fill(stack + offset, 0, size);
  return offset;
}

/** Copies what lies above `offset` to the configuration's memory and takes it off the stack. */
export function pop(offset: usize): usize {
  const size = top - offset;
  const kept = allocate(size);
  memory.copy(kept, stack + offset, size);
  top = offset;
  return kept;
}
