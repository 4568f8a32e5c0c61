/** A generated file: where it belongs, from the root of the project, and what it holds. */
export interface GeneratedFile {
  readonly path: string;
  readonly content: string;
}

/** generatedFrom is the first line of every generated file, in whatever comment its format has. */
export function generatedFrom(source: string): string {
  return `Generated from ${source} by \`npm run generate\`; do not edit.`;
}
