// `--locality REGION/ZONE/SUBZONE`: where a proxy runs.

import { InvalidArgumentError } from "commander";
import { checkFormat } from "../schema/formats.ts";

export function parseLocality(text: string): string {
  if (checkFormat("locality", text) !== undefined)
    throw new InvalidArgumentError("Write REGION, REGION/ZONE or REGION/ZONE/SUBZONE.");
  return text;
}
