import { widest } from "../support/docs.ts";

/** Screen is a command as a person types it, and what it printed. */
export interface Screen {
  readonly command: string;
  readonly printed: string;
}

/** block shows screens one below the other, as one block of the docs. */
export function block(screens: readonly Screen[], settle: (text: string) => string): string {
  const shown = screens.map(({ command, printed }) => `$ ${command}\n${settle(printed).trimEnd()}\n`);
  return `\`\`\`\n${shown.join("\n")}\`\`\`\n`;
}

/** tooWide are the lines that a terminal would break. */
export function tooWide(text: string): string[] {
  return text.split("\n").filter((line) => line.trimEnd().length > widest);
}

/** settler makes texts of two runs the same: names of requests in the order of their jobs, moments, ages, ids. */
export function settler(requests: readonly string[], namespace: string): (text: string) => string {
  return (text) =>
    requests
      .reduce((settled, request, index) => settled.replaceAll(request, `job-${50_000_000_001 + index}`), text)
      .replaceAll(namespace, "getabako")
      .replace(/[0-9a-f]{32}/g, "0a3f912eaca1ab469373387086fb1f12")
      .replace(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "2026-11-28T10:05:00Z")
      .replace(/ +\d+[smh](\d+s)?$/gm, (age) => " ".repeat(Math.max(age.length - age.trimStart().length, 1)) + "12s")
      .replace(/ after \d+s/g, " after 8s")
      .replace(/\[\d{5}\]|127\.0\.0\.1:\d+/g, "HOST");
}

/**
 * story is what `kubectl describe` shows of a request's life, its events; with ages that do not differ from run to run, and with long
 * messages wrapped as wide as the docs are.
 */
export function story(described: string): string {
  const [, events = ""] = described.split(/^Events:\n/m);
  const rows = events
    .split("\n")
    .map((line) => /^ {2}(\S+) {2,}(\S+) {2,}(.+?) {2,}(\S+) {2,}(.*)$/.exec(line)?.slice(1))
    .filter((row) => row !== undefined)
    .map(([type = "", reason = "", age = "", from = "", message = ""]) => [
      type,
      reason,
      /^\d/.test(age) ? "5s" : age,
      // The operator of a test has another name.
      from.replace("getabako.dev/test", "getabako.dev/operator"),
      message,
    ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const indent = widths.reduce((sum, width) => sum + width + 2, 2);
  const lines = rows.map((row) => {
    const cells = row.slice(0, 4).map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2));
    return `  ${cells.join("")}${wrapped(row[4] ?? "", widest - indent).join(`\n${" ".repeat(indent)}`)}`;
  });
  return `...\nEvents:\n${lines.join("\n")}`;
}

/** messages are the events of a described request, in order: reason and message. */
export function messages(described: string): string[] {
  const [, events = ""] = described.split(/^Events:\s*/m);
  return events
    .split("\n")
    .map((line) => /^ {2}(?:Normal|Warning) {2,}(\S+) {2,}.+? {2,}\S+ {2,}(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, reason, message]) => `${reason}: ${message}`);
}

/** wrapped breaks a text between words, as wide as told. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  // A word that no line holds is broken, as a terminal does.
  const words = text.split(" ").flatMap((word) => word.match(new RegExp(`.{1,${columns}}`, "g")) ?? []);
  for (const word of words) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
