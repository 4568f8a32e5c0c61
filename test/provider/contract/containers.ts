import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../../src/api/v1alpha1/ecs-runner-class.ts";
import { makeLaunch } from "../launches.ts";
import { type OpenBench } from "./bench.ts";

const asked = 42;

/** describeContainers is that a launch comes to a process with the class' command and the handed-over environment. */
export function describeContainers(open: OpenBench): void {
  test("the container really runs, with the class' command and environment and the JIT configuration", async (context) => {
    const bench = open(context, "node", "readBack");
    const { control, cls } = bench.subject;
    const spec = cls.spec as ECSRunnerClassSpec;
    const launch = makeLaunch(cls);
    // The process itself judges: it ends with 42 only if it was given both, and the command is the whole of this.
    const script = `
      const { createHash } = require("node:crypto");
      const jit = createHash("sha256").update(process.env.ACTIONS_RUNNER_INPUT_JITCONFIG ?? "").digest("hex");
      const right = jit === process.env.EXPECTED && process.env.RUNNER_MANUALLY_TRAP_SIG === "1" && process.argv[1] === "last word";
      process.exit(right ? ${asked} : 1);`;
    const container = {
      ...spec.container,
      command: [control.node ?? "", "-e", script, "last word"],
      environment: [{ name: "EXPECTED", value: createHash("sha256").update(launch.jitConfig).digest("hex") }],
    };
    const { instance } = await bench.create({ ...launch, class: { ...cls, spec: { ...spec, container } } });
    // Else the backend has no container engine, and only pretends.
    expect(instance.state).toBe("Pending");
    const last = (await bench.follow(instance.id, "Stopped")).at(-1);
    expect(last).toMatchObject({ exitCode: asked, stop: { category: "Exited" } });
    expect(await control.readBack?.(instance.id)).toMatchObject({ exitCode: asked });
  });

  test("a command that the image does not have is a start that failed, and nothing runs", async (context) => {
    const bench = open(context, "node");
    const { cls } = bench.subject;
    const spec = cls.spec as ECSRunnerClassSpec;
    const container = { ...spec.container, command: ["/no/such/program"] };
    const { instance } = await bench.create(makeLaunch({ ...cls, spec: { ...spec, container } }));
    const last = (await bench.follow(instance.id, "Stopped")).at(-1);
    expect(last?.exitCode).toBeUndefined();
    expect(["Misconfigured", "StartFailed"]).toContain(last?.stop?.category);
  });
}
