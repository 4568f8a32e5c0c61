import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";

/** classSpec is a class' spec with the API server's defaults filled in: one rung on Fargate Spot. For tests. */
export function classSpec<Overrides extends Partial<ECSRunnerClassSpec>>(overrides: Overrides): ECSRunnerClassSpec & Overrides {
  return {
    region: "us-east-1",
    cluster: "runners",
    capacity: [{ name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] }],
    network: { subnets: ["subnet-1"], assignPublicIp: false },
    resources: { cpu: 1, memory: "2Gi" },
    images: [],
    sizes: [],
    securityGroupSets: [],
    jitConfigDelivery: { type: "Environment" },
    platform: { os: "linux", arch: "x64" },
    container: {
      name: "runner",
      command: ["./run.sh"],
      environment: [],
      secrets: [],
      stopTimeout: "120s",
      privileged: false,
      volumes: [],
    },
    ...overrides,
  };
}
