import { expect, it, vi } from "vitest";
import { docsSection, writesDocs } from "../support/docs-section.ts";
import { cluster, finished, type Request, startScene } from "../crash/scene.ts";

/** Line is a line of the log, as a log store keeps it. */
interface Line {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly delivery?: string;
  readonly requestDelivery?: string;
  readonly runnerRequest?: string;
  readonly job?: string;
  readonly assignedJob?: string;
  readonly runner?: string;
  readonly providerId?: string;
  readonly reason?: string;
  readonly action?: string;
}

const labels = ["self-hosted", "ecs"];

/** What a person looks for: one id, anywhere in a line. */
const grep = (lines: readonly string[], id: string): Line[] =>
  lines.filter((line) => line.includes(id)).map((line) => JSON.parse(line) as Line);

const told = (lines: readonly string[]): string[] => lines.filter((line) => !line.includes('"level":"debug"'));

/** A line as the jq command in the docs prints it, with names that say what they are. */
function shown(
  { time, level, msg, action, reason }: Line,
  { namespace, job, task }: { namespace: string; job: string; task: string },
): string {
  const told = msg
    .replaceAll(namespace, "runners")
    .replaceAll(job, "31415926535")
    .replaceAll(task.replace(/^.*\//, ""), "8f14e45fceea167a5a36dedd4bea2543");
  return [time.slice(11, 23), level, action ?? reason ?? "-", told.slice(0, 92)].join("  ");
}

const withoutTime = (line: string): string => line.replace(/^\S+ +/, "").replace(/\d+(\.\d+)? ?(m?s|seconds)\b/g, "N s");

it("one delivery's id finds a job from its webhook to the end of its task, and everything else of it", async () => {
  const { namespace, github, ecs, log, until } = await startScene();
  // The first rung refuses once, so that there is more to tell than the straight way.
  ecs.capacity.refuse("FARGATE_SPOT", { times: 1 });
  const job = github.queueJob({ repository: "acme/web", labels, durationMs: 200 });
  const done = await until("finished", finished);
  const task = done.status?.instance?.providerId ?? "";
  expect(task).toMatch(/^arn:aws:ecs:.*:task\//);

  const [queued] = github.webhooks.log.list().filter((delivery) => delivery.event.action === "queued");
  const id = queued?.event.guid ?? "";
  const lines = told(log());
  const found = grep(lines, id);
  const story = found.map(({ reason, action, msg }) => action ?? reason ?? msg);
  expect(story).toEqual(
    expect.arrayContaining([
      "queued",
      "InsufficientCapacity",
      "Launched",
      "runner took a job",
      "in_progress",
      "completed",
      "JobCompleted",
    ]),
  );
  expect(story[0]).toBe("queued");
  expect(story.at(-1)).toBe("JobCompleted");
  // The ids lead to one another: the delivery to the request, its runner, and the task.
  const request = `${namespace}/job-${job.id}`;
  expect(new Set(found.map((line) => line.runnerRequest))).toEqual(new Set([request]));
  expect(new Set(found.map((line) => line.job))).toEqual(new Set([String(job.id)]));
  expect(found.find(({ reason }) => reason === "Launched")).toMatchObject({ providerId: task, runner: `job-${job.id}-1` });
  expect(found.at(-1)?.providerId).toBe(task);
  // And no line of the job, by whichever other id it is looked for, lacks the one.
  const others = [request, String(job.id), `job-${job.id}-1`, task].flatMap((other) => grep(lines, other));
  expect(others.filter(({ delivery, requestDelivery }) => delivery !== id && requestDelivery !== id)).toEqual([]);

  // The command by which it tells people where its events are.
  await vi.waitFor(async () => {
    const mine = ["get", "events", "-n", namespace, "--field-selector", "reportingComponent=getabako.dev/operator"];
    expect(await cluster.kubectl(mine)).toMatch(/Launched .*runnerrequest\/job-/i);
  }, 20_000);
  // What docs/observability.md shows is such a story, and every line of it is still told.
  const settled = found.map((line) => shown(line, { namespace, job: String(job.id), task }));
  const section = await docsSection("observability.md", "joined lines");
  if (writesDocs) await section.write(`\`\`\`\n${settled.join("\n")}\n\`\`\`\n`);
  const documented = writesDocs ? settled : section.text.trim().split("\n").slice(1, -1);
  expect(documented.length).toBeGreaterThan(5);
  expect(settled.map(withoutTime)).toEqual(expect.arrayContaining(documented.map(withoutTime)));
});

it("the id leads to the runner's other job where GitHub swapped two, and to the replacement", async () => {
  const { namespace, github, log } = await startScene({ stateMs: 100, timeDivisor: 5 });
  github.addRepository("acme/legacy", { private: true });
  await cluster.patch("rt", "web", namespace, { spec: { repositories: { include: ["acme/web"] } } });
  // Until the operator has seen the change, it would make a runner for the other job as well.
  await cluster.kubectl(["wait", "rt/web", "-n", namespace, "--for=jsonpath={.status.observedGeneration}=2", "--timeout=20s"]);
  // No target covers it, and it is the older one: it takes the runner that is made for the other.
  const robber = github.queueJob({ repository: "acme/legacy", labels, durationMs: 100 });
  const robbed = github.queueJob({ repository: "acme/web", labels, durationMs: 100 });
  await vi.waitFor(
    async () => {
      const text = await cluster.kubectl(["get", "rr", "-n", namespace, "-o", "json"]);
      const { items } = JSON.parse(text) as { items: Request[] };
      expect(items.map(({ metadata }) => metadata.name).toSorted()).toEqual([`job-${robbed.id}`, `job-${robbed.id}-r1`]);
      expect(items.every(finished)).toBe(true);
    },
    { timeout: 45_000, interval: 100 },
  );

  const [queued] = github.webhooks.log.list().filter(({ event }) => event.action === "queued" && event.job === robbed);
  const found = grep(told(log()), queued?.event.guid ?? "");
  const takes = found.filter(({ msg }) => msg === "runner took a job");
  expect(takes.map((line) => [line.runnerRequest, line.job, line.assignedJob])).toEqual([
    [`${namespace}/job-${robbed.id}`, String(robbed.id), String(robber.id)],
    [`${namespace}/job-${robbed.id}-r1`, String(robbed.id), String(robbed.id)],
  ]);
  expect(found.map(({ msg }) => msg)).toContain("replaced a runner that another job took");
  // What is recorded of the stranger's job stands in the line of the request whose runner it took.
  expect(
    found.filter(({ job }) => job === String(robber.id)).map(({ runnerRequest, action }) => [runnerRequest, action]),
  ).toEqual([
    [`${namespace}/job-${robbed.id}`, "in_progress"],
    [`${namespace}/job-${robbed.id}`, "completed"],
  ]);
});
