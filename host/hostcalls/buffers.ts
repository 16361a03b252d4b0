// Buffers: bodies, the configuration, and the body of an HTTP call's answer.

import { BufferType, Status } from "../abi.ts";
import { rootOf } from "../context.ts";
import type { Vm } from "../vm.ts";

const lastType = BufferType.callData;

export const buffers = {
  /** Reads past the end are shortened; nothing to read is a null pointer, status 0. */
  proxy_get_buffer_bytes(
    vm: Vm,
    type: number,
    start: number,
    length: number,
    pointerAt: number,
    sizeAt: number,
  ): number {
    if (type > lastType) return Status.badArgument;
    const buffer = read(vm, type);
    if (buffer === undefined) return Status.notFound;
    return vm.returnText(buffer.slice(start, start + length), pointerAt, sizeAt);
  },

  proxy_get_buffer_status(vm: Vm, type: number, lengthAt: number, flagsAt: number): number {
    if (type > lastType) return Status.badArgument;
    const buffer = read(vm, type);
    if (buffer === undefined) return Status.notFound;
    return vm.writeU32(lengthAt, buffer.length) && vm.writeU32(flagsAt, 0)
      ? Status.ok
      : Status.invalidMemoryAccess;
  },

  /** A body can be put before, behind or in place of the whole; a piece in its middle cannot. */
  proxy_set_buffer_bytes(
    vm: Vm,
    type: number,
    start: number,
    length: number,
    at: number,
    size: number,
  ): number {
    if (type > lastType) return Status.badArgument;
    const buffer = read(vm, type);
    if (buffer === undefined) return Status.notFound;
    const text = vm.readText(at, size);
    if (text === undefined) return Status.invalidMemoryAccess;
    const context = vm.acting();
    if (context.kind !== "stream" || type > BufferType.httpResponseBody) return Status.badArgument;
    const edited = edit(buffer, start, length, text);
    if (edited === undefined) return Status.badArgument;
    if (type === BufferType.httpRequestBody) context.requestBody = edited;
    else context.responseBody = edited;
    return Status.ok;
  },
};

function read(vm: Vm, type: number): string | undefined {
  const context = vm.acting();
  switch (type) {
    case BufferType.httpRequestBody:
      return context.kind === "stream" ? (context.requestBody ?? "") : "";
    case BufferType.httpResponseBody:
      return context.kind === "stream" ? (context.responseBody ?? "") : "";
    case BufferType.httpCallResponseBody:
      return rootOf(context)?.httpCallResponse?.body;
    case BufferType.pluginConfiguration:
      return context.kind === "root" && context.configurationReadable
        ? context.plugin.configuration
        : undefined;
    case BufferType.vmConfiguration:
    case BufferType.callData:
      return "";
    default:
      return undefined;
  }
}

function edit(buffer: string, start: number, length: number, text: string): string | undefined {
  if (start === 0) {
    if (length === 0) return text + buffer;
    return length >= buffer.length ? text : undefined;
  }
  return start >= buffer.length ? buffer + text : undefined;
}
