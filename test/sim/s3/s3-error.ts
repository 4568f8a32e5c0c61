/** S3Error is an answer other than a success; `violation` says that the request should never have been sent. */
export class S3Error extends Error {
  readonly code: string;
  readonly status: number;
  /** Further elements of the error's body, such as `Region`. */
  readonly fields: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly violation: boolean;

  constructor(
    code: string,
    status: number,
    message: string,
    options: {
      readonly fields?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly violation?: boolean;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.fields = options.fields ?? {};
    this.headers = options.headers ?? {};
    this.violation = options.violation ?? false;
  }
}

/** xml renders an element with text in it. */
export function xml(name: string, ...content: readonly string[]): string {
  return `<${name}>${content.join("")}</${name}>`;
}

/** escaped makes a text fit to stand in an element. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
