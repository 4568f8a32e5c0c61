/** ApiError is an answer of GitHub's that is not a success; routes and state throw it, the server renders it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly string[] | undefined;

  constructor(status: number, message: string, options: { headers?: Record<string, string>; errors?: readonly string[] } = {}) {
    super(message);
    this.status = status;
    this.headers = options.headers ?? {};
    this.errors = options.errors;
  }
}

/** notFound is the answer to everything that does not exist or that the caller may not know about. */
export function notFound(): ApiError {
  return new ApiError(404, "Not Found");
}
