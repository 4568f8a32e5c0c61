import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docsPage, widest } from "../support/docs.ts";
import { testCluster } from "../support/test-cluster.ts";
import { until } from "../support/until.ts";
import { longRepository, type Scene, setScene } from "./scene.ts";
import { block, messages, type Screen, settler, story, tooWide, wrapped } from "./screen.ts";

/*
 * One run with everything that people ask kubectl about. What it shows is asserted here and written into docs/kubectl.md:
 * GETABAKO_WRITE_DOCS=1 npm run test:integration -- test/kubectl
 */

const cluster = testCluster();
const page = docsPage("kubectl.md", "test/kubectl");
const screens: Record<string, readonly Screen[]> = {};
/** The events of requests, in order. */
const stories: Record<string, readonly string[]> = {};
let scene: Scene;
let settle: (text: string) => string;
/** What became of a running runner whose request was deleted. */
let afterDeletion: { readonly live: number; readonly registered: readonly string[] };

/** Runs a command line as it is in the docs. */
async function type(command: string): Promise<Screen> {
  const [program, ...words] = command.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
  if (program !== "kubectl") throw new Error(`${command} is no kubectl command`);
  return { command: settle(command), printed: await cluster.kubectl([...words, "-n", scene.harness.namespace]) };
}

/** A command that prints one sentence. */
async function sentence(line: string): Promise<Screen> {
  const { command, printed } = await type(line);
  return { command, printed: wrapped(printed, widest).join("\n") };
}

/** What kubectl describe shows of a request's events. */
async function describeRequest(name: string): Promise<readonly Screen[]> {
  // Events are published in the background.
  await scene.harness.events(name);
  const { command, printed } = await type(`kubectl describe rr ${name}`);
  stories[settle(name)] = messages(printed).map(settle);
  return [{ command, printed: story(printed) }];
}

beforeAll(async () => {
  scene = await setScene(cluster);
  const { harness, ecs } = scene;
  settle = (text) => settler(scene.requests, harness.namespace)(text);
  // kubectl keeps on disk which short names a server has: make it ask again.
  await cluster.kubectl(["api-resources", "--api-group=getabako.dev"]);

  const spot = await scene.run({ name: "build" });
  ecs.capacity.refuse("FARGATE_SPOT");
  scene.pullsFail(true);
  // No other runner has this label, or it would get one that was made for another job.
  const labels = ["self-hosted", "ecs", "cpu=2"];
  const misconfigured = await scene.queue({ name: "lint", repository: "acme/api", labels });
  // Not for AwaitingRetry, which lasts as long as the pause between the two attempts.
  await harness.until(misconfigured, ({ status }) => status?.attempts?.[0]?.endedAt !== undefined, "past its first attempt");
  await harness.advance(10_000);
  await harness.untilReason(misconfigured, "AwaitingChange");
  scene.pullsFail(false);
  const onDemand = await scene.run({ name: "integration tests (postgres 17, node 24)", repository: longRepository });
  const rejected = await scene.queue({ name: "train", labels: ["self-hosted", "ecs", "cpu=64"] });
  await harness.untilReason(rejected, "Rejected");
  const first = await scene.queue({ name: "test (1)" });
  const second = await scene.queue({ name: "test (2)" });
  for (const name of [first, second]) await harness.untilReason(name, "TargetAtCapacity");

  const why = `-o jsonpath='{.status.conditions[?(@.type=="Succeeded")].message}'`;
  screens["requests"] = [await type("kubectl get rr"), await type("kubectl get rr -o wide")];
  screens["waiting"] = [await sentence(`kubectl get rr ${second} ${why}`)];
  screens["on demand"] = await describeRequest(onDemand);
  screens["rejected"] = await describeRequest(rejected);
  screens["misconfigured"] = [
    ...(await describeRequest(misconfigured)),
    await sentence(`kubectl get rr ${misconfigured} ${why}`),
  ];
  // The counts are written behind.
  await until("the target's counts", 15_000, async () => {
    const { printed } = await type("kubectl get rt");
    if (!/web +True +3 +0 +0 +2 +2 /.test(printed)) throw new Error(printed);
  });
  screens["others"] = [await type("kubectl get rt"), await type("kubectl get ecsrc"), await type("kubectl get gha")];
  screens["everything"] = [await type("kubectl get getabako")];

  const goOn = scene.holdSignals();
  ecs.interruptSpot(await scene.taskOf(spot));
  await harness.until(spot, ({ status }) => status?.instance?.interruptedAt !== undefined, "told of the interruption");
  goOn();
  // The runner cancels its job on SIGTERM, and says so.
  await harness.untilReason(spot, "JobCompleted");
  screens["interrupted"] = await describeRequest(spot);
  await harness.untilReason(first, "JobInProgress");
  screens["after a wait"] = await describeRequest(first);

  harness.github.runners.finish(`${onDemand}-1`);
  screens["wait"] = [await type(`kubectl wait rr ${onDemand} --for=condition=Succeeded --timeout=30s`)];
  const either = (name: string): string => `kubectl wait rr ${name} --for=jsonpath='{.status.timings.finishedAt}' --timeout=30s`;
  const phase = (name: string): string => `kubectl get rr ${name} -o jsonpath='{.status.phase}'`;
  for (const name of [onDemand, spot, rejected])
    screens[`either ${settle(name)}`] = [await type(either(name)), await type(phase(name))];
  screens["either"] = screens[`either ${settle(rejected)}`] ?? [];
  screens["done"] = await describeRequest(onDemand);

  // Watched while it goes: afterwards there is nothing to describe.
  const task = await scene.taskOf(first);
  const letGo = scene.holdSignals();
  const deletion = type(`kubectl delete rr ${first} --timeout=30s`);
  await until("the event of the deletion", 15_000, async () => {
    const events = await harness.events(first);
    if (!events.includes("Deleting")) throw new Error(events.join(", "));
  });
  letGo();
  screens["delete"] = [await deletion];
  await harness.events(first);
  screens["deleted"] = [await type(`kubectl events --for rr/${first}`)];
  afterDeletion = {
    live: ecs.liveTasks().filter(({ arn }) => arn === task).length,
    registered: harness.github
      .registrations()
      .map(({ name }) => name)
      .filter((name) => name.startsWith(first)),
  };
}, 180_000);
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const names = { spot: "job-50000000001", lint: "job-50000000002", onDemand: "job-50000000003", rejected: "job-50000000004" };

describe("docs/kubectl.md shows", () => {
  it.each([
    ["requests"],
    ["waiting"],
    ["on demand"],
    ["rejected"],
    ["misconfigured"],
    ["interrupted"],
    ["after a wait"],
    ["done"],
    ["wait"],
    ["either"],
    ["delete"],
    ["others"],
    ["everything"],
  ])("%s as a real run does, and no line is wider than a terminal", async (section) => {
    const content = block(screens[section] ?? [], settle);
    expect(tooWide(content)).toEqual([]);
    await page.expectSection(section, content);
  });
});

describe("the events of a request", () => {
  it("tell in order how it came to its runner, and to its end", () => {
    expect(stories[names.onDemand]).toEqual([
      expect.stringMatching(/^CapacityRefused: spot is passed over: /),
      expect.stringMatching(/^Launched: started runner job-50000000003-1 on on-demand, task\/runners\/[0-9a-f]{32}$/),
      expect.stringMatching(
        /^JobStarted: job-50000000003-1 took acme\/customer-\S+: "integration tests \(postgres 17, node 24\)"$/,
      ),
      expect.stringMatching(/^JobCompleted: the runner ran acme\/customer-\S+: .*: success$/),
    ]);
  });

  it("tell of a wait, although it is over", () => {
    expect(stories["job-50000000005"]?.slice(0, 3)).toEqual([
      "TargetAtCapacity: RunnerTarget web has all of its 2 runners; the request waits for its turn",
      expect.stringMatching(/^CapacityRefused: /),
      expect.stringMatching(/^Launched: /),
    ]);
  });

  it("say what to do about what a person has to mend", () => {
    const told = stories[names.lint] ?? [];
    expect(told.filter((line) => line.startsWith("Misconfigured: "))).toEqual([
      expect.stringMatching(/attempt 1 ended: .*; the next one starts at \S+Z$/),
      expect.stringMatching(/attempt 2 ended: .*; the next one starts at \S+Z, or when the class or the target changes$/),
    ]);
  });

  it("say that Spot took the capacity away, and from which job", () => {
    expect(stories[names.spot]).toEqual([
      expect.stringMatching(/^Launched: /),
      expect.stringMatching(/^JobStarted: /),
      expect.stringMatching(/^Interrupted: .*; acme\/web: "build" runs on it$/),
      'JobCompleted: the runner ran acme/web: "build": cancelled',
    ]);
  });
});

describe("kubectl wait", () => {
  it("for the condition ends with a success", () => {
    expect(screens["wait"]?.[0]?.printed).toContain("condition met");
  });

  it.each([
    [names.onDemand, "Succeeded"],
    [names.spot, "Succeeded"],
    [names.rejected, "Failed"],
  ])("for finishedAt ends whatever the end is (%s: %s)", (name, phase) => {
    const [waited, shown] = screens[`either ${name}`] ?? [];
    expect(waited?.printed).toContain("condition met");
    expect(shown?.printed).toBe(phase);
  });
});

describe("kubectl delete", () => {
  it("of a request whose job runs comes back when instance and registration are gone, and events tell of it", () => {
    expect(afterDeletion).toEqual({ live: 0, registered: [] });
    expect(screens["deleted"]?.[0]?.printed).toMatch(
      /Deleting .*the request is being deleted: stopping job-\d+-1, and acme\/web: "test \(1\)" with it/,
    );
  });
});
