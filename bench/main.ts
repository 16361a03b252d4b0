// `npm run bench [-- SECTION...] [ROUNDS]`: what the filters cost, side by side. Without sections all of them.

import { measureCalls } from "./calls.ts";
import { measureCpu } from "./cpu.ts";
import { measureLimits } from "./limits.ts";
import { type Modules, buildModules } from "./modules.ts";
import { measureRefusal } from "./refusal.ts";
import { measureScale } from "./scale.ts";
import { measureSize } from "./size.ts";
import { measureSpeed } from "./speed.ts";

const sections: Record<string, (modules: Modules, rounds: number) => Promise<void>> = {
  cpu: measureCpu,
  calls: measureCalls,
  speed: measureSpeed,
  limits: measureLimits,
  refusal: measureRefusal,
  scale: measureScale,
  size: measureSize,
};

const words = process.argv.slice(2);
const unknown = words.filter((word) => !/^\d+$/.test(word) && sections[word] === undefined);
if (unknown.length > 0) {
  console.error(`no section ${unknown.join(", ")}: there are ${Object.keys(sections).join(", ")}`);
  process.exit(2);
}
const rounds = Math.max(4, Number(words.find((word) => /^\d+$/.test(word)) ?? 30));
const chosen = words.filter((word) => sections[word] !== undefined);
const modules = await buildModules();
for (const [name, measure] of Object.entries(sections))
  if (chosen.length === 0 || chosen.includes(name)) await measure(modules, rounds);
