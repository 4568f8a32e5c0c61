import type { Parts } from "../../../src/cli/doctor/command.ts";
import { collection, namespace } from "../places.ts";
import type { Draft } from "../stage.ts";
import type { Fault } from "./fault.ts";

const request = /^runnerrequest\/getabako\/job-/;
const minute = 60_000;
const ahead = (ms: number): Parts => ({ clock: { now: () => Date.now() + ms } });

function aRequest(
  conditions: Record<string, readonly [status: string, reason: string, message: string]>,
  more: { name?: string; finalizers?: string[] } = {},
): Draft {
  const at = new Date(Date.now() - minute).toISOString().replace(/\.\d+Z/, "Z");
  return {
    apiVersion: "getabako.dev/v1alpha1",
    kind: "RunnerRequest",
    metadata: {
      name: more.name ?? "job-31415926535",
      namespace,
      ...(more.finalizers !== undefined && { finalizers: more.finalizers }),
    },
    spec: {
      targetRef: { name: "acme" },
      source: "Webhook",
      job: {
        host: "github.com",
        id: "31415926535",
        runId: "271828",
        repository: "acme/web",
        name: "build",
        labels: ["self-hosted", "ecs"],
        queuedAt: at,
      },
    },
    status: {
      phase: "Pending",
      conditions: Object.entries(conditions).map(([type, [status, reason, message]]) => ({
        type,
        status,
        reason,
        message,
        lastTransitionTime: at,
      })),
    },
  };
}

/** requestFaults: the trouble that jobs may be in. */
export const requestFaults: readonly Fault[] = [
  {
    title: "A request is stuck in its deletion",
    plant: async (stage) => {
      const stuck = aRequest(
        { Registered: ["True", "CannotDeregister", "GitHub refused to remove a runner"] },
        { finalizers: ["getabako.dev/runner"] },
      );
      await stage.make(collection("runnerrequests"), stuck);
      await stage.kubectl(["delete", "rr", stuck.metadata.name, "-n", namespace, "--wait=false"]);
    },
    parts: ahead(20 * minute),
    finds: {
      verdict: "FAIL",
      object: request,
      check: "deletion",
      says: /deletion was asked for 20m.*GitHub refused/,
      advises: /getabako\.dev\/release=true/,
    },
  },
  {
    title: "A job asks for more than its target allows",
    plant: (stage) =>
      stage.make(
        collection("runnerrequests"),
        aRequest({ Succeeded: ["False", "Rejected", "cpu=64: RunnerTarget acme allows at most 8"] }),
      ),
    finds: {
      verdict: "WARN",
      object: request,
      check: "rejected",
      says: /cpu=64: RunnerTarget acme allows at most 8/,
      advises: /change the job's labels/,
    },
  },
  {
    title: "A request waits for a change of the class",
    plant: (stage) =>
      stage.make(
        collection("runnerrequests"),
        aRequest({ Admitted: ["Unknown", "AwaitingChange", "the image cannot be pulled"] }),
      ),
    finds: {
      verdict: "WARN",
      object: request,
      check: "waiting",
      says: /for a change: the image cannot be pulled/,
      advises: /change the class or the target/,
    },
  },
  {
    title: "A job whose runners are taken by other jobs again and again",
    plant: (stage) =>
      stage.make(
        collection("runnerrequests"),
        aRequest({ Admitted: ["Unknown", "TargetAtCapacity", "no slot"] }, { name: "job-27182818-r4" }),
      ),
    finds: {
      verdict: "WARN",
      object: request,
      check: "waiting",
      says: /replacement 4 .*Starved/,
      advises: /labels of their own/,
    },
  },
  {
    title: "A job has waited for long",
    plant: (stage) =>
      stage.make(
        collection("runnerrequests"),
        aRequest({ Admitted: ["Unknown", "TargetAtCapacity", "RunnerTarget acme has all of its 50 runners"] }),
      ),
    parts: ahead(30 * minute),
    finds: {
      verdict: "WARN",
      object: request,
      check: "waiting",
      says: /waited for 31m(\d+s)?, TargetAtCapacity/,
      advises: /getabako explain --job/,
    },
  },
];
