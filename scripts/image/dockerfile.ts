/** Instruction is one of a Dockerfile: its name, and the rest as it is written. */
export type Instruction = readonly [name: string, rest: string];

/** instructionsOf reads a Dockerfile: continuation lines are joined, comments dropped. */
export function instructionsOf(text: string): Instruction[] {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      if (name === undefined || rest === undefined) throw new Error(`not an instruction: ${line}`);
      return [name, rest];
    });
}

/** lastStage is what makes the image: everything from the last FROM on. */
export function lastStage(instructions: readonly Instruction[]): readonly Instruction[] {
  return instructions.slice(instructions.findLastIndex(([name]) => name === "FROM"));
}
