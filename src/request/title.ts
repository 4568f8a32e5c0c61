import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../kube/object.ts";

type Job = DeepReadonly<Pick<RunnerRequest["spec"]["job"], "repository" | "name">>;

/** titleColumns is how wide a title may be on a terminal: what the columns beside it leave of 120. */
export const titleColumns = 24;

/**
 * titleOf names a job for a column of `kubectl get`, which cuts nothing itself: "acme/web: build", or as much of it as fits. The owner goes
 * first, since it is the same in most lines; then the middles, since names that begin alike (those of a matrix) differ at their ends.
 */
export function titleOf({ repository, name }: Job): string {
  const whole = `${repository}: ${name}`;
  if (width(whole) <= titleColumns) return whole;
  const short = repository.slice(repository.indexOf("/") + 1);
  const room = titleColumns - 2;
  // Each has half of the room, and what the other leaves.
  const forName = Math.max(Math.floor(room / 2), room - width(short));
  const cutName = cut(name, forName);
  return `${cut(short, room - width(cutName))}: ${cutName}`;
}

/** Leaves out the middle of a text that is too wide. */
function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  const characters = charactersOf(text);
  const room = columns - 1;
  const end = take(characters.toReversed(), Math.floor(room / 2));
  const start = take(characters, room - width(end.join("")));
  return `${start.join("")}…${end.toReversed().join("")}`;
}

function take(characters: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let left = columns;
  for (const character of characters) {
    left -= width(character);
    if (left < 0) break;
    taken.push(character);
  }
  return taken;
}

/** Characters that terminals show in two columns. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

function charactersOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function width(text: string): number {
  return charactersOf(text).reduce((sum, character) => sum + (wide.test(character) ? 2 : 1), 0);
}
