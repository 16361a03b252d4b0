// WASI preview 1, as much of it as Envoy's host has: clocks, chance, the environment and standard output do
// something, files and sockets are refused with Envoy's numbers.

import { Errno, limits } from "../abi.ts";
import type { Vm } from "../vm.ts";
import type { Hostcalls } from "./bind.ts";

const isOutput = (fd: number) => fd === 1 || fd === 2;
const output = (_vm: Vm, fd: number) => (isOutput(fd) ? Errno.success : Errno.badf);
const refuse = (errno: number) => () => errno;

const working: Hostcalls = {
  clock_time_get(vm: Vm, clock: number, _precision: bigint, at: number): number {
    if (clock > 1) return Errno.notsup;
    const { wallNs, monotonicNs } = vm.process.clock;
    return vm.writeU64(at, clock === 0 ? wallNs : monotonicNs) ? Errno.success : Errno.fault;
  },

  clock_res_get(vm: Vm, clock: number, at: number): number {
    if (clock > 1) return Errno.notsup;
    return vm.writeU64(at, 1n) ? Errno.success : Errno.fault;
  },

  random_get(vm: Vm, at: number, size: number): number {
    if (size > limits.randomBytes) return Errno.inval;
    if (size === 0) return Errno.success;
    if (at + size > vm.memoryBytes) return Errno.fault;
    vm.random.fill(vm.memory.subarray(at, at + size));
    return Errno.success;
  },

  /** Standard output is a log line at level info, standard error one at level error. */
  fd_write(vm: Vm, fd: number, vectorsAt: number, count: number, writtenAt: number): number {
    if (!isOutput(fd)) return Errno.badf;
    let text = "";
    for (let at = vectorsAt; at < vectorsAt + count * 8; at += 8) {
      if (at + 8 > vm.memoryBytes) return Errno.fault;
      const size = vm.memory.readUInt32LE(at + 4);
      const piece = size === 0 ? "" : vm.readText(vm.memory.readUInt32LE(at), size);
      if (piece === undefined) return Errno.fault;
      text += piece;
    }
    if (text !== "") vm.process.writeLog(fd === 1 ? 2 : 4, text.replace(/\n$/, ""), vm.thread);
    return vm.writeU32(writtenAt, text.length) ? Errno.success : Errno.fault;
  },

  environ_sizes_get(vm: Vm, countAt: number, sizeAt: number): number {
    const lines = environment(vm);
    const size = lines.reduce((sum, line) => sum + line.length, 0);
    return vm.writeU32(countAt, lines.length) && vm.writeU32(sizeAt, size) ? Errno.success : Errno.fault;
  },

  environ_get(vm: Vm, pointersAt: number, at: number): number {
    let pointer = pointersAt;
    let text = at;
    for (const line of environment(vm)) {
      if (!vm.writeU32(pointer, text) || text + line.length > vm.memoryBytes) return Errno.fault;
      text += vm.memory.write(line, text, "latin1");
      pointer += 4;
    }
    return Errno.success;
  },

  args_sizes_get(vm: Vm, countAt: number, sizeAt: number): number {
    return vm.writeU32(countAt, 0) && vm.writeU32(sizeAt, 0) ? Errno.success : Errno.fault;
  },

  fd_fdstat_get(vm: Vm, fd: number, at: number): number {
    if (!isOutput(fd)) return Errno.badf;
    const written = vm.writeU64(at, 0n) && vm.writeU64(at + 8, 64n) && vm.writeU64(at + 16, 0n);
    return written ? Errno.success : Errno.fault;
  },

  /** Envoy notes it and goes on. */
  proc_exit(vm: Vm): undefined {
    vm.process.writeLog(0, "wasi proc_exit", vm.thread);
  },
};

export const wasi: Hostcalls = {
  ...working,
  args_get: refuse(Errno.success),
  sched_yield: refuse(Errno.success),
  fd_seek: refuse(Errno.success),
  fd_close: refuse(Errno.success),
  fd_advise: refuse(Errno.success),
  poll_oneoff: (vm: Vm, _in: number, _out: number, _count: number, at: number) =>
    vm.writeU32(at, 0) ? Errno.success : Errno.fault,
  fd_allocate: output,
  fd_datasync: output,
  fd_fdstat_set_rights: output,
  fd_filestat_set_size: output,
  fd_filestat_set_times: output,
  fd_sync: output,
  fd_tell: output,
  fd_read: refuse(Errno.nosys),
  fd_pread: refuse(Errno.nosys),
  fd_fdstat_set_flags: refuse(Errno.nosys),
  fd_prestat_dir_name: refuse(Errno.nosys),
  fd_pwrite: refuse(Errno.notsup),
  fd_readdir: refuse(20),
  fd_renumber: refuse(Errno.notsup),
  fd_prestat_get: refuse(Errno.badf),
  fd_filestat_get: refuse(Errno.badf),
  path_open: refuse(Errno.noent),
  path_create_directory: refuse(Errno.notsup),
  path_filestat_get: refuse(Errno.notsup),
  path_filestat_set_times: refuse(Errno.notsup),
  path_link: refuse(Errno.notsup),
  path_readlink: refuse(Errno.notsup),
  path_remove_directory: refuse(Errno.notsup),
  path_rename: refuse(Errno.notsup),
  path_symlink: refuse(Errno.notsup),
  path_unlink_file: refuse(Errno.notsup),
  sock_accept: refuse(Errno.notsup),
  sock_recv: refuse(Errno.notsup),
  sock_send: refuse(Errno.notsup),
  sock_shutdown: refuse(Errno.notsup),
};

/** While the module starts, Envoy lets through all of WASI but these. */
export function wasiWhileStarting(name: string): boolean {
  return !["proc_exit", "sched_yield", "path_open", "fd_read", "fd_seek", "fd_close"].includes(name);
}

function environment(vm: Vm): string[] {
  return Object.entries(vm.process.options.environment).map(([name, value]) => `${name}=${value}\0`);
}
