import { z } from "zod";
import { cel, listSet } from "../kind.ts";
import type { OverrideKey } from "./override-keys.ts";

/** className is a name that a class gives to one of its images, sizes, rungs or sets of security groups; labels refer to it. */
export const className = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/);

/** sizeQuantity is an amount of memory or disk. */
export const sizeQuantity = z
  .string()
  .max(16)
  .regex(/^[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)$/);

const cpu = z.number().min(0.001).max(10_000);
const nameGlobs = z
  .array(
    z
      .string()
      .min(1)
      .max(63)
      .regex(/^[-.*a-z0-9]+$/),
  )
  .min(1)
  .max(32)
  .meta(listSet)
  .describe("Names in the class that workflows may choose; * stands for any characters.");
const allow = nameGlobs
  .exactOptional()
  .describe("Names in the class that workflows may choose, * stands for any characters; by default all of the class.");

/** overridesSchema is what one job asks for. */
export const overridesSchema = z
  .object({
    size: className.exactOptional().describe("A size of the class by name: cpu and memory in one."),
    cpu: cpu.exactOptional().describe("vCPUs."),
    memory: sizeQuantity.exactOptional().describe("Memory."),
    disk: sizeQuantity.exactOptional().describe("Ephemeral storage; Fargate only."),
    image: className.exactOptional().describe("An image of the class by name."),
    capacity: className.exactOptional().describe("The one rung of the class' ladder that the runner may come from."),
    securityGroup: className.exactOptional().describe("A set of security groups of the class by name."),
  } satisfies Record<OverrideKey, z.ZodType>)
  .describe(
    "What the job's labels ask for (cpu=4), in canonical form. Whether the target allows it is decided before anything is launched.",
  );

/** overridePolicySchema is what a target lets its workflows ask for. */
export const overridePolicySchema = z
  .object({
    size: z
      .object({ allow })
      .exactOptional()
      .describe("size=NAME: a size of the class. The limits of cpu and memory do not bind it."),
    cpu: z
      .object({
        min: cpu.exactOptional().describe("The least vCPUs."),
        max: cpu.describe("The most vCPUs."),
      })
      .meta(cel({ rule: "!has(self.min) || self.min <= self.max", message: "min is more than max" }))
      .exactOptional()
      .describe("cpu=4: a number of vCPUs."),
    memory: quantityLimits("memory=16Gi: an amount of memory. Gi, GiB, GB and G all are 1024 MiB, as in AWS' own tables."),
    disk: quantityLimits("disk=100Gi: ephemeral storage, on Fargate 21Gi to 200Gi."),
    image: z.object({ allow }).exactOptional().describe("image=NAME: an image of the class by name, never a reference."),
    capacity: z
      .object({ allow })
      .exactOptional()
      .describe(
        "capacity=NAME: one rung of the class' ladder and no other, such as on-demand for jobs that must not be interrupted.",
      ),
    securityGroup: z.object({ allow }).exactOptional().describe("securityGroup=NAME: a set of security groups of the class."),
  } satisfies Record<OverrideKey, z.ZodType>)
  .describe("Which override labels a workflow may use, and how far; what is absent may not be chosen.");

function quantityLimits(description: string) {
  return z
    .object({
      min: sizeQuantity.exactOptional().describe("The least."),
      max: sizeQuantity.describe("The most."),
    })
    .meta(
      cel({
        rule: "!has(self.min) || quantity(self.min).compareTo(quantity(self.max)) <= 0",
        message: "min is more than max",
      }),
    )
    .exactOptional()
    .describe(description);
}

export type Overrides = z.infer<typeof overridesSchema>;
export type OverridePolicy = Immutable<z.infer<typeof overridePolicySchema>>;

/** Policies are read from objects that a store hands out, and nobody changes those. */
type Immutable<T> = T extends object ? { readonly [Key in keyof T]: Immutable<T[Key]> } : T;
