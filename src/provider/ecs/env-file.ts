import { ProviderError } from "../errors.ts";

/**
 * envFile is an environment file of one variable as ECS reads it: UTF-8, a line `NAME=value`, no quotes and no escapes, so what ends a
 * line cannot be in a value (Amazon ECS developer guide, "Pass an environment variable to an Amazon ECS container").
 * @throws ProviderError Internal when the value cannot be written so.
 */
export function envFile(name: string, value: string): string {
  if (value === "" || /[\p{Cc}\u2028\u2029]/u.test(value) || value.trim() !== value || !value.isWellFormed()) {
    throw new ProviderError(
      "Internal",
      `${name} cannot be written into an environment file: it is empty, or has line breaks, control characters or spaces around it`,
    );
  }
  return `${name}=${value}\n`;
}
