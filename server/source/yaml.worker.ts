// Parses pieces of files beside the main thread: 10,000 routes take a second and a half, and a hostile file
// takes as long as it is let.

import { parentPort } from "node:worker_threads";
import { parsePiece } from "./parse.ts";

parentPort?.on("message", ({ id, pieces }: { id: number; pieces: string[] }) => {
  parentPort?.postMessage({ id, pieces: pieces.map(parsePiece) });
});
