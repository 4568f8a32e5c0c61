const secretShapes = [
  /\bgh[a-z]_[^\s"',;&]+/gi, // every GitHub token prefix; since 2026 the rest holds dots and has no fixed length
  /\bgithub_pat_\w+/gi,
  /\b(bearer|token|basic)\s+[^\s"',;]+/gi,
  /\beyJ[\w-]*\.[\w-]+(\.[\w-]*)?/g, // JWTs
  /-----BEGIN [^-]*-----[\s\S]*?(-----END [^-]*-----|$)/g,
  /\/\/[^/\s@]+@/g, // user:password in an address, a proxy's for example
];

/** redact removes everything from a text that looks like a GitHub credential. */
export function redact(text: string): string {
  return secretShapes.reduce((rest, shape) => rest.replace(shape, "[redacted]"), text);
}

/**
 * scrubCause turns whatever was thrown into a bare Error for `cause`: the codes and messages of its chain, redacted, and no property.
 * Errors of HTTP libraries carry the request with its Authorization header and body, and every logger prints causes.
 */
export function scrubCause(thrown: unknown): Error {
  const parts: string[] = [];
  for (let link = thrown, depth = 0; link !== undefined && link !== null && depth < 4; depth += 1) {
    const { code, message, cause } = link as { code?: unknown; message?: unknown; cause?: unknown };
    const text = [typeof code === "string" ? code : "", typeof message === "string" ? message : ""]
      .filter((part) => part !== "")
      .join(": ");
    if (text !== "") parts.push(redact(text).slice(0, 200));
    link = cause;
  }
  const scrubbed = new Error(parts.join("; ") || "no further detail");
  // The stack of this function says nothing, and the one of the original repeats its message unredacted.
  scrubbed.stack = `Error: ${scrubbed.message}`;
  return scrubbed;
}

/** errorCode finds the first system or TLS error code in a chain of causes, such as ECONNREFUSED. */
export function errorCode(thrown: unknown): string | undefined {
  for (let link = thrown, depth = 0; link !== undefined && link !== null && depth < 4; depth += 1) {
    const { code, cause } = link as { code?: unknown; cause?: unknown };
    if (typeof code === "string") return code;
    link = cause;
  }
  return undefined;
}
