import { describe, expect, it } from "vitest";
import { errorSchema, operationSchemas, schemaNames, schemaProblems, shapeSchema } from "./schema.ts";
import { operations } from "./operations/table.ts";

// Every shape that the walker can meet, found from the exported ones, must have the layout that schema.ts describes.
function walk(schema: unknown, seen: Set<unknown>, visit: (schema: readonly unknown[]) => void): void {
  const resolved: unknown = typeof schema === "function" ? (schema as () => unknown)() : schema;
  if (!Array.isArray(resolved) || seen.has(resolved)) {
    return;
  }
  seen.add(resolved);
  if (typeof resolved[1] !== "string") {
    walk(resolved[0], seen, visit);
    return;
  }
  visit(resolved);
  for (const part of resolved.slice(4).flat() as unknown[]) {
    walk(part, seen, visit);
  }
}

describe("the SDK's schemas", () => {
  it("have the layout that the walker reads", () => {
    const codes = new Map<unknown, number>();
    const seen = new Set<unknown>();
    const odd: string[] = [];
    for (const name of schemaNames) {
      walk(shapeSchema(name), seen, (schema) => {
        codes.set(schema[0], (codes.get(schema[0]) ?? 0) + 1);
        const [, , name, , members, types, required = 0] = schema as [
          unknown,
          unknown,
          string,
          unknown,
          unknown[],
          unknown[],
          number?,
        ];
        if ((schema[0] === 3 || schema[0] === -3) && (members.length !== types.length || required > members.length)) {
          odd.push(name);
        }
      });
    }
    expect(schemaNames).toHaveLength(531);
    expect(new Set(codes.keys())).toEqual(new Set([-3, 0, 1, 3, 4, 9]));
    expect(codes.get(9)).toBe(88);
    expect(odd).toEqual([]);
  });

  it("put required members first", () => {
    const schema = shapeSchema("RunTaskRequest") as unknown as unknown[][];
    // The SDK keeps what it has worked out behind these, once a client has used the schema.
    expect(schema.slice(0, 4)).toEqual([3, "com.amazonaws.ecs", "RunTaskRequest", 0]);
    expect(schema[4]).toContain("taskDefinition");
    expect(schema[6]).toBe(1);
    expect(schema[4]?.[0]).toBe("taskDefinition");
  });

  it.each([...operations.keys()])("know the input and output of %s", (name) => {
    expect(operationSchemas(name)).toMatchObject({ input: expect.anything(), output: expect.anything() });
  });

  it("tell errors from other shapes", () => {
    expect(errorSchema("ConflictException")).toBeDefined();
    expect(errorSchema("RunTaskRequest")).toBeUndefined();
    expect(operationSchemas("ConflictException")).toBeUndefined();
  });
});

describe("schemaProblems", () => {
  const problems = (value: unknown): string[] => schemaProblems(operationSchemas("RunTask")?.input, value);
  const valid = {
    taskDefinition: "runner:1",
    count: 1,
    enableExecuteCommand: false,
    capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 1 }],
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
    overrides: { containerOverrides: [{ name: "runner", environment: [{ name: "A", value: "b" }] }] },
    tags: [{ key: "team", value: "ci" }],
    clientToken: "t",
  };

  it("accepts a complete request, and null where nothing is meant", () => {
    expect(problems(valid)).toEqual([]);
    expect(problems({ ...valid, group: null })).toEqual([]);
  });

  it.each([
    ["a missing member", { count: 1 }, "taskDefinition: missing"],
    ["a required member that is null", { taskDefinition: null }, "taskDefinition: missing"],
    ["an unknown member", { ...valid, replicas: 2 }, "replicas: unknown member of RunTaskRequest"],
    ["a mistyped number", { ...valid, count: "1" }, "count: expected a number, got a string"],
    ["a mistyped boolean", { ...valid, enableExecuteCommand: "yes" }, "enableExecuteCommand: expected a boolean, got a string"],
    ["a mistyped list", { ...valid, tags: { team: "ci" } }, "tags: expected a list, got an object"],
    [
      "a list of strings with a number",
      { ...valid, networkConfiguration: { awsvpcConfiguration: { subnets: [1] } } },
      "networkConfiguration.awsvpcConfiguration.subnets[0]: expected a string, got a number",
    ],
    [
      "a missing member deep inside",
      { ...valid, networkConfiguration: { awsvpcConfiguration: {} } },
      "networkConfiguration.awsvpcConfiguration.subnets: missing",
    ],
    [
      "an unknown member deep inside",
      { ...valid, overrides: { containerOverrides: [{ name: "runner", image: "x" }] } },
      "overrides.containerOverrides[0].image: unknown member of ContainerOverride",
    ],
    ["something that is no object", [], "the request: expected an object, got a list"],
  ])("refuses %s", (_what, request, problem) => {
    expect(problems(request)).toContain(problem);
  });

  it("takes times as epoch seconds only", () => {
    const output = operationSchemas("StopTask")?.output;
    expect(schemaProblems(output, { task: { createdAt: 1_700_000_000.5 } })).toEqual([]);
    expect(schemaProblems(output, { task: { createdAt: "2026-01-01T00:00:00Z" } })).toEqual([
      "task.createdAt: expected a time as epoch seconds, got a string",
    ]);
  });

  it("wants exactly one member of a union", () => {
    const union = shapeSchema("SharingStrategy") as readonly unknown[];
    expect(schemaProblems(union, {})).toEqual([": exactly one member of SharingStrategy must be set"]);
  });

  it("refuses to read a layout that it does not know", () => {
    expect(() => schemaProblems([7, "ns", "Odd", 0], {})).toThrow(/the SDK has changed/);
  });
});
