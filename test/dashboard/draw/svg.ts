/** Box is a part of the picture, in its own units. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Attributes of an element; undefined leaves one out. */
type Attributes = Readonly<Record<string, string | number | undefined>>;

/** escape makes text safe inside of an element or an attribute. */
export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** element writes one element. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${typeof value === "number" ? round(value) : escape(value)}"`],
  );
  const content = children.join("");
  return content === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${content}</${name}>`;
}

/** text writes a line of text, shortened to a width. */
export function text(
  content: string,
  at: {
    readonly x: number;
    readonly y: number;
    readonly size?: number;
    readonly width?: number;
    readonly anchor?: "middle" | "end";
  },
  class_ = "t",
): string {
  const { x, y, size = 11, width, anchor } = at;
  const shown = width === undefined ? content : fit(content, width, size);
  return element(
    "text",
    { x, y, "font-size": size === 11 ? undefined : size, "text-anchor": anchor, class: class_ },
    escape(shown),
  );
}

/** widthOf estimates a text's width: no fonts here, so a mean of the usual sans serif ones. */
export function widthOf(content: string, size = 11): number {
  const narrow = content.match(/[ijltfr.,:;'| ]/g)?.length ?? 0;
  const wide = content.match(/[A-Zmw%]/g)?.length ?? 0;
  return (0.32 * narrow + 0.72 * wide + 0.56 * (content.length - narrow - wide)) * size;
}

function fit(content: string, width: number, size: number): string {
  if (widthOf(content, size) <= width) return content;
  let shown = content;
  while (shown.length > 1 && widthOf(`${shown}…`, size) > width) shown = shown.slice(0, -1);
  return `${shown.trimEnd()}…`;
}

/** round keeps a tenth of a unit: more is not seen, and doubles the file. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
