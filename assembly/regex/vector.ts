// Scratch memory of the compiler: arrays that grow. Configure time only; released when an expression is done.
//
// Growing moves the bytes: an address taken from a vector is good until the next push to it.

@unmanaged
export class Vector {
  start: usize;
  /** Bytes in use, and bytes there are. */
  size: u32;
  capacity: u32;

  /** Adds `size` zeroed bytes and returns their address. */
  push(size: u32): usize {
    const at = this.size;
    if (at + size > this.capacity) this.grow(at + size);
    this.size = at + size;
    memory.fill(this.start + at, 0, size);
    return this.start + at;
  }

  clear(): void {
    this.size = 0;
  }

  release(): void {
    if (this.start !== 0) heap.free(this.start);
    this.start = 0;
    this.size = 0;
    this.capacity = 0;
  }

  private grow(atLeast: u32): void {
    const capacity = max<u32>(atLeast, max<u32>(256, this.capacity * 2));
    const start = heap.alloc(capacity);
    memory.copy(start, this.start, this.size);
    if (this.start !== 0) heap.free(this.start);
    this.start = start;
    this.capacity = capacity;
  }
}

const VECTOR_SIZE = 12;

/** Room for one vector in the module's own memory, empty at start. */
// @ts-ignore: decorator
@inline
export function staticVector(): Vector {
  return changetype<Vector>(memory.data(VECTOR_SIZE, 4));
}
