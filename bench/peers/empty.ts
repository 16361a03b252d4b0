// The floor: a module that is entered for request headers and does nothing.

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return 0;
}

export function proxy_on_request_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  return 0;
}
