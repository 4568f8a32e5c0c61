import { apiVersion } from "../src/api/kind.ts";
import { runnerFinalizer, targetLabel } from "../src/api/v1alpha1/names.ts";
import { inParallel } from "./raw-api.ts";
import { requestsPath, type Stage, namespace } from "./stage.ts";

const concurrency = 32;
/** The target of the live requests: it has no slots, so they wait, which is what thousands of requests do on a full system. */
const full = "full";

/** addFullTarget makes the target that they wait for. */
export async function addFullTarget(stage: Stage): Promise<void> {
  const target = {
    apiVersion,
    kind: "RunnerTarget",
    metadata: { name: full, namespace },
    spec: {
      githubAppRef: { name: "acme0" },
      scope: { organization: "acme0" },
      labels: ["self-hosted", "full"],
      classRef: { name: "fargate" },
      maxRunners: 0,
    },
  };
  await stage.kubectl(["apply", "-f", "-"], JSON.stringify(target));
  await stage.kubectl(["wait", "--for=condition=Ready", "runnertarget", full, "-n", namespace, "--timeout=60s"]);
}

/** addWaiting makes live requests, numbered on from `from`. */
export async function addWaiting(stage: Stage, from: number, count: number): Promise<void> {
  const queuedAt = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  await inParallel(count, concurrency, async (index) => {
    const id = String(800_000_000 + from + index);
    const request = {
      apiVersion,
      kind: "RunnerRequest",
      metadata: { name: `job-${id}`, namespace, labels: { [targetLabel]: full }, finalizers: [runnerFinalizer] },
      spec: {
        targetRef: { name: full },
        source: "Webhook",
        job: {
          host: "github.com",
          id,
          runId: String(Math.floor((from + index) / 10) + 1),
          repository: "acme0/web",
          workflowName: "CI",
          name: `build (${index})`,
          labels: ["self-hosted", "full"],
          headBranch: "main",
          htmlUrl: `https://github.com/acme0/web/actions/runs/1/job/${id}`,
          queuedAt,
          state: "Queued",
        },
      },
    };
    await stage.api.send("POST", requestsPath, request);
  });
}
