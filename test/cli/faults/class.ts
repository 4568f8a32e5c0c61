import { collection, namespace, paths } from "../places.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

const cls = /^ecsrunnerclass\/getabako\/fargate$/;

const onClass = (spec: Record<string, unknown>) => (stage: Stage) =>
  stage.edit(paths.class, (draft) => Object.assign(draft.spec, spec));

/** classFaults: what may be wrong with a class, or with what it names at AWS. */
export const classFaults: readonly Fault[] = [
  {
    title: "The ECS cluster does not exist",
    plant: (stage) =>
      stage.get(paths.class).then(({ spec }) =>
        stage.make(collection("ecsrunnerclasses"), {
          apiVersion: "getabako.dev/v1alpha1",
          kind: "ECSRunnerClass",
          metadata: { name: "nowhere", namespace },
          spec: { ...spec, cluster: "nowhere" },
        }),
      ),
    finds: {
      verdict: "FAIL",
      object: /^ecsrunnerclass\/getabako\/nowhere$/,
      check: "aws",
      says: /ClusterNotFound: cluster nowhere does not exist/,
      advises: /create it/,
    },
  },
  {
    title: "A capacity provider is not associated with the cluster",
    plant: (stage) =>
      stage.edit(paths.class, (draft) => void draft.spec.capacity.push({ name: "own", providers: [{ name: "my-asg" }] })),
    finds: { verdict: "FAIL", object: cls, check: "aws", says: /CapacityProviderMissing: rung own/, advises: /associate it/ },
  },
  {
    title: "AWS refuses a right",
    plant: async (stage) => {
      stage.ecs.faults.add({ kind: "exception", type: "AccessDeniedException" }, { operation: "DescribeClusters", times: 10 });
      stage.later(() => stage.ecs.faults.clear());
      await stage.edit(paths.class, (draft) => void (draft.status.conditions[0].status = "False"));
    },
    finds: { verdict: "FAIL", object: cls, check: "aws", says: /Unauthorized: .*ecs:DescribeClusters/, advises: /policy/ },
  },
  {
    title: "An image of a private ECR registry, and no execution role",
    plant: (stage) =>
      stage.edit(paths.class, (draft) => {
        draft.spec.image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/runner:2.336.0";
        delete draft.spec.executionRoleArn;
      }),
    finds: { verdict: "FAIL", object: cls, check: "aws", says: /ExecutionRoleMissing/, advises: /executionRoleArn/ },
  },
  {
    title: "All runners in one subnet",
    plant: onClass({ network: { subnets: ["subnet-0a1"], assignPublicIp: false } }),
    finds: { verdict: "WARN", object: cls, check: "aws", says: /SingleSubnet/, advises: /more zones/ },
  },
  {
    title: "The runner in the image is too old for GitHub",
    plant: onClass({ image: "ghcr.io/actions/actions-runner:2.319.1" }),
    finds: {
      verdict: "FAIL",
      object: cls,
      check: "runner version",
      says: /holds runner 2\.319\.1, .*2\.329\.0/,
      advises: /build the image anew/,
    },
  },
  {
    title: "A ladder of nothing but Spot",
    plant: onClass({ capacity: [{ name: "spot", providers: [{ name: "FARGATE_SPOT" }] }] }),
    finds: { verdict: "WARN", object: cls, check: "capacity", says: /all capacity is Spot/, advises: /FARGATE at the end/ },
  },
  {
    title: "A rung is passed over, since it was interrupted again and again",
    plant: (stage) =>
      stage.edit(paths.class, (draft) => {
        const times = { since: "2026-01-01T00:00:00Z", until: "2099-01-01T00:00:00Z" };
        draft.status.circuit = [
          {
            capacity: "spot",
            state: "Open",
            reason: "Interruptions",
            message: "5 of the last 8 runners were interrupted",
            ...times,
          },
        ];
      }),
    finds: { verdict: "WARN", object: cls, check: "capacity", says: /rung spot is passed over until/, advises: /other rungs/ },
  },
  {
    title: "The operator has not looked at the newest spec",
    plant: async (stage) => {
      stage.later(() => stage.edit(paths.class, () => undefined));
      await stage.kubectl([
        "patch",
        "ecsrc",
        "fargate",
        "-n",
        namespace,
        "--type=merge",
        "-p",
        '{"spec":{"tags":{"team":"web"}}}',
      ]);
    },
    finds: { verdict: "WARN", object: cls, check: "readiness", says: /newest spec/, advises: /holds its Lease/ },
  },
];
