import type { Validation } from "../kind.ts";
import { hasFargate } from "./ecs-capacity.ts";
import { fargateSizeRule, isFargateSize } from "./fargate-sizes.ts";

/** ecsClassRules are those that bind several fields of an ECSRunnerClass' spec together. */
export const ecsClassRules: readonly Validation[] = [
  {
    rule: "self.region == oldSelf.region && self.cluster == oldSelf.cluster",
    message:
      "region and cluster cannot be changed, a launch that is under way could be made twice: make a new class and point the RunnerTargets to it",
  },
  { rule: "has(self.image) != has(self.taskDefinition)", message: "set exactly one of image and taskDefinition" },
  {
    rule: "!has(self.image) || has(self.network)",
    message: "network is required with image: runners get an address of their own (awsvpc)",
  },
  {
    rule: "!has(self.taskDefinition) || !(has(self.executionRoleArn) || has(self.taskRoleArn))",
    message: "with taskDefinition the roles are those of the task definition; leave executionRoleArn and taskRoleArn out",
  },
  {
    rule: "!has(self.taskDefinition) || !(has(self.container.logs) || self.container.secrets.size() > 0)",
    message:
      "with taskDefinition logs and secrets are those of the task definition; leave container.logs and container.secrets out",
  },
  {
    rule: "!has(self.taskDefinition) || (self.images.size() == 0 && self.container.volumes.size() == 0 && !self.container.privileged)",
    message:
      "with taskDefinition image, volumes and privileges are those of the task definition; leave images, container.volumes and container.privileged out",
  },
  {
    rule: `!self.container.privileged || !(${hasFargate})`,
    message:
      "Fargate runs no privileged containers: give the ladder only rungs of Auto Scaling groups or Managed Instances, or leave container.privileged out",
    fieldPath: ".container.privileged",
  },
  {
    rule: "!has(self.image) || self.jitConfigDelivery.type != 'S3' || has(self.executionRoleArn)",
    message: "executionRoleArn is required with jitConfigDelivery.type S3: ECS reads the object with it",
    fieldPath: ".jitConfigDelivery",
  },
  {
    rule: "self.securityGroupSets.size() == 0 || has(self.network)",
    message: "securityGroupSets need network: only runners with an address of their own (awsvpc) have security groups",
  },
  fargateSizeRule(hasFargate, "self.resources"),
  {
    rule: `!(${hasFargate}) || self.sizes.all(s, ${isFargateSize("s")})`,
    message: "every one of sizes must be a pair of cpu and memory that Fargate runs; resources names them",
    fieldPath: ".sizes",
  },
  {
    rule: `self.sizes.all(s, !has(s.disk) || ((${hasFargate}) && quantity(s.disk).compareTo(quantity('21Gi')) >= 0 && quantity(s.disk).compareTo(quantity('200Gi')) <= 0))`,
    message: "the disk of a size is Fargate's ephemeral storage, 21Gi to 200Gi; leave it out for 20Gi or for other capacity",
    fieldPath: ".sizes",
  },
  {
    rule: `!has(self.resources.disk) || ((${hasFargate}) && quantity(self.resources.disk).compareTo(quantity('21Gi')) >= 0 && quantity(self.resources.disk).compareTo(quantity('200Gi')) <= 0)`,
    message: "resources.disk is Fargate's ephemeral storage, 21Gi to 200Gi; leave it out for 20Gi or for other capacity",
  },
  {
    rule: "self.container.secrets.all(s, !self.container.environment.exists(e, e.name == s.name))",
    message: "a variable is in container.environment and in container.secrets; ECS refuses that",
  },
  {
    rule: "(self.container.environment.map(e, e.name) + self.container.secrets.map(s, s.name)).all(n, !n.startsWith('ACTIONS_RUNNER_INPUT_'))",
    message: "variables that begin with ACTIONS_RUNNER_INPUT_ are getabako's: the runner takes its registration from them",
  },
  {
    rule: `duration(self.container.stopTimeout) >= duration('2s') && (!(${hasFargate}) || duration(self.container.stopTimeout) <= duration('120s'))`,
    message: "container.stopTimeout is 2s or more, and 120s at most on Fargate",
    fieldPath: ".container.stopTimeout",
  },
  {
    rule: "!has(self.container.logs) && self.container.secrets.size() == 0 || has(self.executionRoleArn)",
    message: "executionRoleArn is required with container.logs or container.secrets: ECS uses it to write and to read them",
  },
  {
    rule: "!has(self.tags) || self.tags.all(k, !k.lowerAscii().startsWith('aws:') && !k.startsWith('getabako.dev/'))",
    message: "tags may not begin with aws: or getabako.dev/",
  },
  {
    rule: "!has(self.tags) || self.tags.all(k, k.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]{1,128}$'))",
    message: "a tag's key has 1 to 128 characters: letters, digits, spaces and _ . : / = + - @",
  },
];
