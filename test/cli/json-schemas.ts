import { Ajv } from "ajv";

const text = { type: "string" };
const texts = { type: "array", items: text };
const number = { type: "number" };

/** An object with exactly these members, of which some may be missing. */
function object(required: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  };
}

const size = (more: Record<string, object> = {}): object =>
  object({ ...more, cpu: number, memoryGiB: number }, { diskGiB: number });
const named = object({ target: text, why: text });
const rung = object({ name: text, providers: texts }, { passedOver: object({ until: text, message: text }) });

/** answerSchemas are what programs may count on of each `--output json`. */
export const answerSchemas = {
  report: object({
    version: text,
    server: text,
    summary: object({ ok: number, warn: number, fail: number, skip: number }),
    findings: {
      type: "array",
      items: object(
        { verdict: { enum: ["OK", "WARN", "FAIL", "SKIP"] }, object: text, check: text, message: text },
        { advice: text },
      ),
    },
  }),
  job: object(
    {
      repository: text,
      labels: texts,
      visibility: { enum: ["private", "public", "internal"] },
      verdict: { enum: ["Served", "Rejected", "NotServed"] },
      targets: {
        type: "array",
        items: object({ target: text, verdict: { enum: ["Takes", "Outranked", "Rejects", "Refuses"] }, why: text }),
      },
    },
    {
      reason: text,
      target: text,
      waits: texts,
      closest: named,
      runner: object(
        {
          class: text,
          region: text,
          cluster: text,
          labels: texts,
          overrides: { type: "object" },
          image: text,
          size: size(),
          rungs: { type: "array", items: rung },
          atMost: size({ runners: number }),
        },
        { securityGroups: texts },
      ),
    },
  ),
  stories: object({
    requests: {
      type: "array",
      items: object(
        {
          request: text,
          repository: text,
          job: text,
          labels: texts,
          target: text,
          phase: text,
          now: text,
          moments: { type: "array", items: object({ at: text, what: text }) },
        },
        { since: text, reason: text, means: text, ahead: number, advice: text },
      ),
    },
  }),
} as const;

const ajv = new Ajv({ allErrors: true });

/** problemsOf is what is wrong with a value by a schema. */
export function problemsOf(schema: object, value: unknown): string[] {
  const validate = ajv.compile(schema);
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
