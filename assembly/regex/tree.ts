// The syntax tree of an expression.
//
// Lists run backwards: a sequence or choice knows its last part, and each part the one before. The automaton is
// built from its end, so this is the order in which the parts are needed.

import { Vector, staticVector } from "./vector";

export const enum Op {
  /** Matches the empty text. */
  EMPTY,
  /** One byte out of the set with index `first`. */
  BYTE,
  /** The condition `first`, one of Condition. */
  ASSERT,
  /** Parts one after the other; `first` is the last of them. */
  SEQUENCE,
  /** One of several; `first` is the last of them. */
  CHOICE,
  /** `first`, from `least` to `most` times. */
  REPEAT,
}

/** What an assertion asks of a place between two bytes. Bits, so that a place's conditions are one number. */
export const enum Condition {
  TEXT_BEGIN = 1,
  TEXT_END = 2,
  LINE_BEGIN = 4,
  LINE_END = 8,
  WORD_BOUNDARY = 16,
  NO_WORD_BOUNDARY = 32,
}

/** `most` of a repetition without bound. */
export const UNBOUNDED: u32 = 0xffffffff;


@unmanaged
export class Node {
  op: u32;
  first: u32;
  /** The part before this one in the sequence or choice that holds it; 0: none. */
  previous: u32;
  least: u32;
  most: u32;
  /** The largest product of nested counted repetitions within. */
  repeats: u32;
}

const nodes: Vector = staticVector();

/** Nodes are numbered from 1. */
export function addNode(op: Op, first: u32, repeats: u32): u32 {
  const node = changetype<Node>(nodes.push(offsetof<Node>()));
  node.op = op;
  node.first = first;
  node.repeats = repeats;
  return nodes.size / offsetof<Node>();
}

// @ts-ignore: decorator
@inline
export function nodeAt(index: u32): Node {
  return changetype<Node>(nodes.start + (index - 1) * offsetof<Node>());
}

export function releaseTree(): void {
  nodes.release();
}
