// What is wrong with a configuration, where, and what would be right. CLI, log, API and dashboard all
// print this one record.

/** A place in a source file; line and column count from 1. */
export interface Position {
  file: string;
  line: number;
  column: number;
}

export interface Diagnostic extends Position {
  severity: "error" | "warning";
  /** `Kind namespace/name` of the resource, once known. */
  resource?: string;
  /** The field, such as `spec.http[1].route[0].weight`; empty for the document as a whole. */
  path: string;
  /** What is wrong and what would be right, in one or two sentences. */
  message: string;
  /** An error that holds back nothing but what it is about, which keeps its last good version. */
  isContained?: true;
}

/** `file:line:column: error: path: message`, the form that editors understand. */
export function formatDiagnostic(d: Diagnostic): string {
  const field = d.path === "" ? "" : `${d.path}: `;
  return `${d.file}:${d.line}:${d.column}: ${d.severity}: ${field}${d.message}`;
}
