import {
  destination,
  type DestinationStream,
  type Level,
  pino,
  stdSerializers,
  stdTimeFunctions,
  type Logger as PinoLogger,
} from "pino";

/** Logger is the logger that everything takes; `log.child({...})` adds facts to all lines below it. */
export type Logger = PinoLogger;

/** LogLevel is what `--log-level` accepts. */
export type LogLevel = Level | "silent";

const secretKeys = [
  "authorization",
  "Authorization",
  "clientSecret",
  "cookie",
  "encodedJitConfig",
  "encoded_jit_config",
  "jitConfig",
  "jwt",
  "password",
  "privateKey",
  "private_key",
  "secret",
  "secretAccessKey",
  "sessionToken",
  "token",
  "webhookSecret",
];

// A wildcard stands for exactly one level. Three cover a field, a field of a logged object, and one of an error's or
// a request's own objects; whatever lies deeper must not be logged at all.
const redactedPaths = secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/**
 * createLogger makes the root logger: JSON lines on stderr unless a destination is given, level as text, time in
 * RFC 3339, and every field that could carry a credential replaced by "[redacted]".
 */
export function createLogger(options: { level?: LogLevel; destination?: DestinationStream } = {}): Logger {
  return pino(
    {
      level: options.level ?? "info",
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The bundle may give a class another name, by which pino would call its errors.
      serializers: {
        err: (error: Error) => (error instanceof Error ? { ...stdSerializers.err(error), type: error.name } : error),
      },
      redact: { paths: redactedPaths, censor: "[redacted]" },
    },
    options.destination ?? destination({ dest: 2, sync: true }),
  );
}

/** silentLogger writes nothing; for tests and for tools that talk to a person. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}
