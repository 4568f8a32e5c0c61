import { docsPage } from "../support/docs.ts";

/** expectInDocs holds a section of docs/cli.md against what a run has made. */
export const expectInDocs = docsPage("cli.md", "test/cli").expectSection;

/** settled is a text of a run without what differs between two runs: addresses, moments and ages. */
export function settled(text: string): string {
  return text
    .replace(/https?:\/\/127\.0\.0\.1:\d+\/webhook/g, "https://getabako.example.com/webhook")
    .replace(/signed in at http:\/\/127\.0\.0\.1:\d+/g, "signed in at https://github.com")
    .replace(/https:\/\/127\.0\.0\.1:\d+/g, "https://10.0.0.1:6443")
    .replace(/127\.0\.0\.1:\d+/g, "HOST")
    .replace(/Kubernetes v1\.\d+\.\d+\S*/g, "Kubernetes v1.36.3")
    .replace(/(?<!2099-01-01T)\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z?)/g, "2026-11-28T10:05:00$1")
    .replace(/(no more jobs from) \d{4}-\d\d-\d\d/g, "$1 2026-12-27")
    .replace(/(first seen on|Since) \d{4}-\d\d-\d\d/g, "$1 2026-11-27")
    .replace(/\b(\d+m)\d+s\b/g, "$1")
    .replace(/\b(arrived|renewed) \S+ ago/g, "$1 1s ago")
    .replace(/\b\d+ of 5000 calls/g, "4990 of 5000 calls")
    .replace(/4m(59s)? behind|5m behind/g, "5m behind");
}

/** screen is what a terminal shows, as a block of the docs. */
export function screen(command: string, out: string, settle: (text: string) => string = settled): string {
  return `\`\`\`\n$ ${command}\n${settle(out).trimEnd()}\n\`\`\`\n`;
}
