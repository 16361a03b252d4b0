import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { closure, readDescriptors } from "./descriptors.ts";

const describe = (name: string, dependency: string[] = [], options?: { javaPackage: string }) =>
  Buffer.from(
    toBinary(
      FileDescriptorProtoSchema,
      create(FileDescriptorProtoSchema, {
        name,
        package: "a.b",
        dependency,
        messageType: [{ name: "M", field: [{ name: "x", number: 1 }] }],
        ...(options && { options }),
        syntax: "proto3",
      }),
    ),
  );

test("finds descriptors between other bytes, to their last field", () => {
  const binary = Buffer.concat([
    Buffer.from("ELF\0 a/b.proto as plain text\0"),
    describe("a/b.proto"),
    Buffer.from([0, 0, 0]),
    describe("a/c.proto", ["a/b.proto"]), // directly followed by the next
    describe("a/d.proto"),
    Buffer.from([0xff, 0xff]),
  ]);
  const files = readDescriptors(binary);
  assert.deepEqual([...files.keys()], ["a/b.proto", "a/c.proto", "a/d.proto"]);
  assert.deepEqual(files.get("a/c.proto")?.dependency, ["a/b.proto"]);
  assert.equal(files.get("a/d.proto")?.messageType[0]?.field[0]?.name, "x");
});

test("a name longer than 127 bytes has a length of two bytes", () => {
  const name = `${"long/".repeat(30)}a.proto`;
  assert.deepEqual([...readDescriptors(describe(name)).keys()], [name]);
});

test("of two copies the one with its options is taken", () => {
  const binary = Buffer.concat([describe("a.proto", [], { javaPackage: "x.y" }), describe("a.proto")]);
  assert.equal(readDescriptors(binary).get("a.proto")?.options?.javaPackage, "x.y");
});

test("a missing dependency is named", () => {
  assert.throws(
    () => readDescriptors(describe("a.proto", ["gone.proto"])),
    /lacks the descriptors of gone\.proto/,
  );
});

test("bytes without descriptors are refused", () => {
  assert.throws(() => readDescriptors(Buffer.from("nothing here")), /no protobuf descriptors/);
});

test("a closure has every dependency before its dependents", () => {
  const files = readDescriptors(
    Buffer.concat([
      describe("z.proto", ["y.proto"]),
      describe("y.proto", ["x.proto"]),
      describe("x.proto"),
      describe("w.proto"),
    ]),
  );
  assert.deepEqual(
    closure(files, ["z.proto", "y.proto"]).map((file) => file.name),
    ["x.proto", "y.proto", "z.proto"],
  );
});
