import { z } from "zod";
import { cel, listMap } from "../kind.ts";

/** hasFargate is the CEL expression that tells whether a class, `self`, has a rung on Fargate. */
export const hasFargate = "self.capacity.exists(r, r.providers.exists(p, p.name in ['FARGATE', 'FARGATE_SPOT']))";

/** capacityRung is one step of a class' ladder. */
export const capacityRung = z
  .object({
    name: z
      .string()
      .max(32)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe("Name of the rung, shown in RunnerRequests: spot, on-demand."),
    type: z
      .enum(["Fargate", "AutoScalingGroup", "ManagedInstances"])
      .exactOptional()
      .describe(
        "What the capacity providers are: by default Fargate for FARGATE and FARGATE_SPOT, AutoScalingGroup for your own. Name ManagedInstances for those.",
      ),
    providers: z
      .array(
        z.object({
          name: z
            .string()
            .min(1)
            .max(255)
            .regex(/^[A-Za-z0-9_-]+$/)
            .describe("A capacity provider of the cluster: FARGATE, FARGATE_SPOT or your own."),
          weight: z
            .int()
            .min(0)
            .max(1000)
            .default(1)
            .describe("Share of the runners that it gets, relative to the others of the rung."),
          base: z
            .int()
            .min(0)
            .max(100000)
            .exactOptional()
            .describe("ECS' base; it counts within one call, so it hardly matters here."),
        }),
      )
      .min(1)
      .max(6)
      .meta(listMap("name"))
      .describe("The capacity provider strategy of the rung. ECS spreads by weight; it does not fall back from one to the next."),
  })
  .meta(
    cel(
      {
        rule: "self.providers.all(p, p.name in ['FARGATE', 'FARGATE_SPOT']) || self.providers.all(p, !(p.name in ['FARGATE', 'FARGATE_SPOT']))",
        message: "one rung cannot mix Fargate with other capacity providers: ECS refuses such a strategy; make two rungs",
      },
      {
        rule: "self.providers.exists(p, p.weight > 0)",
        message: "at least one provider of a rung needs a weight above 0: ECS refuses to place anything otherwise",
      },
      {
        rule: "!has(self.type) || (self.type == 'Fargate') == self.providers.exists(p, p.name in ['FARGATE', 'FARGATE_SPOT'])",
        message: "type Fargate is for the providers FARGATE and FARGATE_SPOT, and they have no other type",
      },
    ),
  );
