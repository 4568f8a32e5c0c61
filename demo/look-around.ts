import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { workflowJobPayload } from "../test/sim/github/webhooks/payload.ts";
import type { Stage } from "./stage.ts";

/**
 * lookAround says how to look around while everything is left running. The webhook that the curl command sends is about a job that
 * really waits at the simulated GitHub and whose own delivery went missing: the command brings it a runner.
 */
export async function lookAround(stage: Stage): Promise<string> {
  const { github, ecs, operator, namespace, directory, controlPlane, installation } = stage;
  github.webhooks.addFault({ kind: "drop", action: "queued", times: 1 });
  const labels = ["self-hosted", "fargate"];
  const job = github.queueJob({ repository: "acme/web", name: "by hand", labels, durationMs: 5_000 });
  const event = join(directory, "queued.json");
  await writeFile(event, JSON.stringify(workflowJobPayload(github.world, job, "queued", installation)));
  const secretFile = join(directory, "webhook-secret");
  await writeFile(secretFile, github.app.hook.secret ?? "", { mode: 0o600 });
  const inNamespace = namespace === "default" ? "" : ` -n ${namespace}`;
  return `Everything is still running. In another terminal:

  export KUBECONFIG=${controlPlane.kubeconfig}
  alias kubectl=${controlPlane.kubectlPath}
  kubectl get getabako${inNamespace}                      # every object of getabako
  kubectl get rr -w${inNamespace}                         # requests as they change
  kubectl describe rr job-${job.id}${inNamespace}        # one of them, with its events (after the webhook below)

  curl -s ${operator.metricsUrl} | grep ^getabako_
  tail -f ${join(directory, "operator.log")}

The simulators can be asked and told things, GET .../_sim lists them:

  curl -s ${ecs.url}/_sim/report
  curl -s ${github.url}/_sim/report
  curl -s -d '{"repository": "acme/api", "labels": ["self-hosted", "fargate"], "durationMs": 5000}' ${github.url}/_sim/jobs
  curl -s -d '{"action": "refuse", "times": 5}' ${ecs.url}/_sim/capacity/FARGATE_SPOT

One webhook by hand, signed as GitHub does it. Job ${job.id} waits at GitHub, and its own delivery was lost on the way:

  curl -i ${operator.webhookUrl} \\
    -H 'Content-Type: application/json' \\
    -H 'X-GitHub-Event: workflow_job' \\
    -H "X-GitHub-Delivery: $(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)" \\
    -H 'X-GitHub-Hook-Installation-Target-Type: integration' \\
    -H 'X-GitHub-Hook-Installation-Target-ID: ${github.app.id}' \\
    -H "X-Hub-Signature-256: sha256=$(openssl dgst -sha256 -hmac "$(cat ${secretFile})" < ${event} | sed 's/.* //')" \\
    --data-binary @${event}

Ctrl-C ends everything and removes it.`;
}
