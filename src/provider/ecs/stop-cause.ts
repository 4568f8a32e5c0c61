import type { StopCause } from "../types.ts";
import { quote } from "./quote.ts";

/** StopFacts are what ECS says about the end of a task. */
export interface StopFacts {
  readonly stopCode?: string | undefined;
  readonly stoppedReason?: string | undefined;
  readonly capacityProviderName?: string | undefined;
  readonly exitCode?: number | undefined;
  /** The task has not ended yet: with Spot that is the notice, two minutes before. */
  readonly ending?: boolean;
  /** `reason` of the runner's container, and of the others. */
  readonly containerReasons: readonly string[];
}

/** stopReasonPrefix begins every reason that we give to StopTask, so that a stop of ours can be told from somebody else's. */
export const stopReasonPrefix = "getabako: ";

/** StopRule is one row of the table. */
export interface StopRule {
  /** Values of stopCode. */
  readonly codes: readonly string[];
  readonly when?: (facts: StopFacts, text: string) => boolean;
  readonly category: StopCause["category"];
  /** By default the stop code. */
  readonly reason?: string;
  readonly message: (facts: StopFacts, text: string) => string;
}

const notStarted = ["TaskFailedToStart"];
const exited = ["EssentialContainerExited"];
const says = (pattern: RegExp) => (_: StopFacts, text: string) => pattern.test(text);
const pullFails = (pattern: RegExp) => (_: StopFacts, text: string) => /CannotPull/.test(text) && pattern.test(text);
const initFails = (pattern: RegExp) => (_: StopFacts, text: string) =>
  /ResourceInitializationError/.test(text) && pattern.test(text);

function spotMessage({ ending }: StopFacts): string {
  const takes = ending === true ? "AWS takes the Spot capacity back within two minutes" : "AWS took the Spot capacity back";
  return `${takes}; put an on-demand rung into the ladder for jobs that must not be interrupted`;
}

/** stopRules say what the end of a task means: the first row that fits counts. Texts are AWS' only where the last column quotes them. */
export const stopRules: readonly StopRule[] = [
  {
    codes: exited,
    when: ({ containerReasons }) => containerReasons.some((reason) => /^OutOfMemory/i.test(reason)),
    category: "OutOfMemory",
    reason: "OutOfMemoryError",
    message: () => "the runner was killed because its memory was used up: give the class, or the job, more memory",
  },
  {
    codes: exited,
    when: ({ exitCode }) => exitCode === 137,
    category: "OutOfMemory",
    reason: "SIGKILL",
    message: () => "the runner was killed (exit code 137), most likely because its memory was used up: give it more memory",
  },
  {
    codes: exited,
    // Another attempt with the same image meets the same refusal: as with an image that cannot be pulled, people have to act.
    when: ({ exitCode }) => exitCode === 7,
    category: "Misconfigured",
    reason: "RunnerVersionDeprecated",
    message: () => "GitHub accepts the image's runner version no longer (exit code 7): use an image with the newest runner",
  },
  {
    codes: exited,
    category: "Exited",
    message: ({ exitCode }) =>
      exitCode === undefined
        ? "a container of the task ended, and the runner gave no exit code: look at the logs of the other containers"
        : `the runner's process ended with exit code ${exitCode}${exitCode === 0 ? "" : ": its output says why, where container.logs sends it"}`,
  },
  {
    codes: ["UserInitiated"],
    when: ({ stoppedReason }) => stoppedReason?.startsWith(stopReasonPrefix) === true,
    category: "Requested",
    message: ({ stoppedReason }) => `stopped by the operator: ${quote(stoppedReason?.slice(stopReasonPrefix.length), 200)}`,
  },
  {
    codes: ["UserInitiated"],
    category: "Requested",
    reason: "StoppedExternally",
    message: ({ stoppedReason }) =>
      `stopped by somebody else; CloudTrail shows who called StopTask: ${quote(stoppedReason, 150) || "no reason given"}`,
  },
  {
    codes: ["SpotInterruption"],
    category: "Interrupted",
    message: spotMessage,
  },
  {
    codes: ["TerminationNotice"],
    when: ({ capacityProviderName, stoppedReason }) =>
      capacityProviderName === "FARGATE_SPOT" || stoppedReason?.startsWith("Your Spot Task was interrupted") === true,
    category: "Interrupted",
    message: spotMessage,
  },
  {
    codes: ["TerminationNotice"],
    category: "HostFailure",
    message: () => "AWS retired the infrastructure below the task; another attempt runs elsewhere",
  },
  {
    codes: ["InfrastructureHealth"],
    category: "HostFailure",
    message: () => "the machine below the task failed its health checks; another attempt runs elsewhere",
  },
  {
    codes: ["ServiceSchedulerInitiated"],
    category: "Unknown",
    message: () =>
      "a service's scheduler stopped the task, though it belongs to no service: look for another user of the task definition",
  },
  {
    codes: notStarted,
    when: pullFails(/toomanyrequests|rate.?limit|pull limit|\b429\b/i),
    category: "StartFailed",
    reason: "CannotPullContainerError",
    message: () => "the registry's rate limit stopped the pull: mirror the image to ECR, or let the execution role log in",
  },
  {
    codes: notStarted,
    when: pullFails(/timeout|timed out|deadline exceeded|connection re(set|fused)|TLS handshake|temporary failure|no such host/i),
    category: "StartFailed",
    reason: "CannotPullContainerError",
    message: () =>
      "the registry could not be reached: the subnets need NAT, assignPublicIp, or VPC endpoints for ECR (api, dkr) and S3",
  },
  {
    codes: notStarted,
    when: pullFails(/no space left/i),
    category: "Misconfigured",
    reason: "CannotPullContainerError",
    message: () => "the image does not fit on the task's disk: give the class a larger resources.disk",
  },
  {
    codes: notStarted,
    when: pullFails(/descriptor matching platform|no match(ing manifest)? for (the )?platform|no matching manifest|exec format/i),
    category: "Misconfigured",
    reason: "CannotPullContainerError",
    message: () => "the image has no variant for the class' platform: build it for platform.arch, or change that",
  },
  {
    codes: notStarted,
    when: pullFails(/denied|unauthorized|not authorized|forbidden|\b403\b|authorization/i),
    category: "Misconfigured",
    reason: "CannotPullContainerError",
    message: () =>
      "the registry refuses the pull: give the execution role the right to pull (ECR), check the image's name, or make it public",
  },
  {
    codes: notStarted,
    when: pullFails(/not found|manifest unknown|does not exist|name unknown/i),
    category: "Misconfigured",
    reason: "CannotPullContainerError",
    message: () => "the image does not exist: check its name and tag in the class",
  },
  {
    codes: notStarted,
    when: says(/CannotPull/),
    category: "Misconfigured",
    reason: "CannotPullContainerError",
    message: (_, text) =>
      `the image could not be pulled: check its name, the execution role and the way to the registry (${quote(text, 130)})`,
  },
  {
    codes: notStarted,
    when: initFails(/(retrieve|fetch|get|invalid) secret|from (asm|ssm)|secrets? ?manager|\bssm\b|\bparameters?\b/i),
    category: "StartFailed",
    reason: "ResourceInitializationError",
    message: () =>
      "a secret of the class could not be read: check its ARN, the execution role's rights, and the way to Secrets Manager or SSM",
  },
  {
    codes: notStarted,
    when: initFails(/env(ironment)? files?|\.env\b|s3/i),
    category: "StartFailed",
    reason: "ResourceInitializationError",
    message: () => "an environment file could not be read: check the bucket, the execution role's rights, and the way to S3",
  },
  {
    codes: notStarted,
    when: initFails(/logger|log(ging)? driver|awslogs|log (group|stream)|logs:Create/i),
    category: "StartFailed",
    reason: "ResourceInitializationError",
    message: () => "the log driver could not start: the log group must exist, and the execution role needs logs:CreateLogStream",
  },
  {
    codes: notStarted,
    when: initFails(/\bENI\b|network interface/i),
    category: "StartFailed",
    reason: "ResourceInitializationError",
    message: () =>
      "the task's network interface could not be set up: check free addresses in the subnets and the account's interface quota",
  },
  {
    codes: notStarted,
    when: initFails(/retrieve ecr|registry auth|GetAuthorizationToken/i),
    category: "StartFailed",
    reason: "ResourceInitializationError",
    message: () =>
      "ECR gave no login: check the execution role, and that the subnets reach ECR (NAT, assignPublicIp or VPC endpoints)",
  },
  {
    codes: notStarted,
    when: says(/ResourceInitializationError/),
    category: "StartFailed",
    reason: "ResourceInitializationError",
    message: (_, text) => `the task could not be set up: check the execution role and the subnets' way out (${quote(text, 150)})`,
  },
  {
    codes: notStarted,
    when: says(/CannotStartContainer/),
    category: "Misconfigured",
    reason: "CannotStartContainerError",
    message: (_, text) => `the container could not start: check container.command and the image (${quote(text, 150)})`,
  },
  {
    codes: notStarted,
    when: says(/CannotCreateVolume/),
    category: "Misconfigured",
    reason: "CannotCreateVolumeError",
    message: (_, text) =>
      `a volume of the task definition could not be made: check its driver and settings (${quote(text, 150)})`,
  },
  {
    codes: notStarted,
    when: says(/CannotInspectContainer/),
    category: "Misconfigured",
    reason: "CannotInspectContainerError",
    message: (_, text) =>
      `the container could not be inspected: check the image and the instance's container runtime (${quote(text, 130)})`,
  },
  {
    codes: notStarted,
    when: says(/(ContainerRuntime|Docker)TimeoutError/),
    category: "StartFailed",
    reason: "ContainerRuntimeTimeoutError",
    message: () => "the container runtime did not answer in time; another attempt usually helps",
  },
  {
    codes: notStarted,
    when: says(/network interface/i),
    category: "StartFailed",
    reason: "NetworkInterfaceError",
    message: () => "the task got no network interface: check free addresses in the subnets and the account's interface quota",
  },
  {
    codes: notStarted,
    when: says(/Capacity is unavailable at this time/),
    category: "StartFailed",
    reason: "CapacityUnavailable",
    message: () => "Fargate lost the capacity before the task started; subnets in more zones help",
  },
  {
    codes: notStarted,
    category: "StartFailed",
    message: (_, text) =>
      `the task could not start, for a reason that has no rule here; it is tried again: ${quote(text, 180) || "no reason given"}`,
  },
];

/** stopRuleOf is the row of the table that fits. */
export function stopRuleOf(facts: StopFacts): StopRule | undefined {
  const text = textOf(facts);
  const code = codeOf(facts, text);
  return stopRules.find(({ codes, when }) => codes.includes(code) && (when === undefined || when(facts, text)));
}

/** stopCause says why a task ended, in our words. Call it for tasks that are ending or have ended only. */
export function stopCause(facts: StopFacts): StopCause {
  const text = textOf(facts);
  const code = codeOf(facts, text);
  const rule = stopRuleOf(facts);
  if (rule !== undefined) return { category: rule.category, reason: rule.reason ?? code, message: rule.message(facts, text) };
  const said = [quote(code, 50), quote(text, 180)].filter((part) => part !== "").join(": ");
  return {
    category: "Unknown",
    reason: quote(code, 100) || "Unknown",
    message: `the task ended, and ECS' reason has no rule here: ${said || "none was given"}`,
  };
}

function textOf({ stoppedReason, containerReasons }: StopFacts): string {
  return [stoppedReason, ...containerReasons].filter((part) => part !== undefined && part !== "").join("; ");
}

/** Some backends leave the code out. What we said ourselves, or what the containers did, is then all there is. */
function codeOf({ stopCode, stoppedReason, exitCode }: StopFacts, text: string): string {
  if (stopCode !== undefined && stopCode !== "") return stopCode;
  if (stoppedReason?.startsWith(stopReasonPrefix) === true) return "UserInitiated";
  if (exitCode !== undefined) return "EssentialContainerExited";
  return /Cannot[A-Z]|ResourceInitialization/.test(text) ? "TaskFailedToStart" : "";
}
