import { expect, test } from "vitest";
import type { StopCause } from "../types.ts";
import { type StopFacts, stopCause, stopRuleOf, stopRules } from "./stop-cause.ts";

type Line = readonly [title: string, Partial<StopFacts>, StopCause["category"], reason: string, message: RegExp];

const failed = (stoppedReason: string): Partial<StopFacts> => ({ stopCode: "TaskFailedToStart", stoppedReason });
const pull = (text: string): Partial<StopFacts> => failed(`CannotPullContainerError: ${text}`);
const init = (text: string): Partial<StopFacts> => failed(`ResourceInitializationError: ${text}`);

const table: readonly Line[] = [
  [
    "out of memory",
    {
      stopCode: "EssentialContainerExited",
      exitCode: 137,
      containerReasons: ["OutOfMemoryError: Container killed due to memory usage"],
    },
    "OutOfMemory",
    "OutOfMemoryError",
    /more memory/,
  ],
  ["killed without a reason", { stopCode: "EssentialContainerExited", exitCode: 137 }, "OutOfMemory", "SIGKILL", /137/],
  [
    "runner too old",
    { stopCode: "EssentialContainerExited", exitCode: 7 },
    "Misconfigured",
    "RunnerVersionDeprecated",
    /newest runner/,
  ],
  ["ended well", { stopCode: "EssentialContainerExited", exitCode: 0 }, "Exited", "EssentialContainerExited", /exit code 0/],
  ["ended without a code", { stopCode: "EssentialContainerExited" }, "Exited", "EssentialContainerExited", /no exit code/],
  [
    "stopped by us",
    { stopCode: "UserInitiated", stoppedReason: "getabako: the job was cancelled" },
    "Requested",
    "UserInitiated",
    /by the operator: the job was cancelled/,
  ],
  [
    "stopped by a person",
    { stopCode: "UserInitiated", stoppedReason: "Task stopped by user" },
    "Requested",
    "StoppedExternally",
    /somebody else.*Task stopped by user/,
  ],
  [
    "a log group whose settings are refused",
    init("failed to validate logger args: create stream has been retried 1 times: InvalidParameterException"),
    "StartFailed",
    "ResourceInitializationError",
    /log group must exist/,
  ],
  ["stopped by a person without a word", { stopCode: "UserInitiated" }, "Requested", "StoppedExternally", /no reason given/],
  [
    "Spot",
    { stopCode: "SpotInterruption", stoppedReason: "Your Spot Task was interrupted." },
    "Interrupted",
    "SpotInterruption",
    /on-demand rung/,
  ],
  [
    "Spot, the older way",
    { stopCode: "TerminationNotice", stoppedReason: "Your Spot Task was interrupted." },
    "Interrupted",
    "TerminationNotice",
    /Spot/,
  ],
  [
    "Spot, known by its provider",
    { stopCode: "TerminationNotice", capacityProviderName: "FARGATE_SPOT" },
    "Interrupted",
    "TerminationNotice",
    /Spot/,
  ],
  [
    "retired infrastructure",
    { stopCode: "TerminationNotice", capacityProviderName: "FARGATE" },
    "HostFailure",
    "TerminationNotice",
    /retired/,
  ],
  ["failed host", { stopCode: "InfrastructureHealth" }, "HostFailure", "InfrastructureHealth", /health checks/],
  ["a service", { stopCode: "ServiceSchedulerInitiated" }, "Unknown", "ServiceSchedulerInitiated", /scheduler/],
  [
    "pull: rate limit",
    pull("inspect image has been retried 5 time(s): toomanyrequests: You have reached your pull rate limit"),
    "StartFailed",
    "CannotPullContainerError",
    /rate limit/,
  ],
  [
    "pull: time-out",
    pull("pull image manifest has been retried 5 time(s): dial tcp 10.0.0.1:443: i/o timeout"),
    "StartFailed",
    "CannotPullContainerError",
    /NAT/,
  ],
  [
    "pull: no address",
    pull("failed to resolve ref: lookup ghcr.io: no such host"),
    "StartFailed",
    "CannotPullContainerError",
    /NAT/,
  ],
  [
    "pull: disk",
    pull("write /var/lib/x: no space left on device"),
    "Misconfigured",
    "CannotPullContainerError",
    /resources\.disk/,
  ],
  [
    "pull: platform",
    pull("image Manifest does not contain descriptor matching platform 'linux/arm64'"),
    "Misconfigured",
    "CannotPullContainerError",
    /platform\.arch/,
  ],
  [
    "pull: denied",
    pull("pull access denied for acme/platform-runner, repository does not exist or may require authorization"),
    "Misconfigured",
    "CannotPullContainerError",
    /execution role/,
  ],
  [
    "pull: not found",
    pull("ref pull has been retried 1 time(s): ghcr.io/acme/runner:9: not found"),
    "Misconfigured",
    "CannotPullContainerError",
    /name and tag/,
  ],
  ["pull: anything else", pull("something odd"), "Misconfigured", "CannotPullContainerError", /something odd/],
  [
    "init: secret",
    init("unable to retrieve secret from asm: AccessDeniedException"),
    "StartFailed",
    "ResourceInitializationError",
    /secret/,
  ],
  [
    "init: environment file",
    init("failed to download env files: file download command: non empty error stream"),
    "StartFailed",
    "ResourceInitializationError",
    /environment file/,
  ],
  [
    "init: log driver",
    init(
      "failed to validate logger args: create stream has been retried 1 times: ResourceNotFoundException: The specified log group does not exist.",
    ),
    "StartFailed",
    "ResourceInitializationError",
    /log group/,
  ],
  [
    "init: registry",
    init(
      "unable to pull secrets or registry auth: unable to retrieve ecr registry auth: service call has been retried 3 time(s)",
    ),
    "StartFailed",
    "ResourceInitializationError",
    /ECR/,
  ],
  [
    "init: network interface",
    init("failed to configure ENI: failed to setup regular eni"),
    "StartFailed",
    "ResourceInitializationError",
    /free addresses/,
  ],
  ["ended badly", { stopCode: "EssentialContainerExited", exitCode: 1 }, "Exited", "EssentialContainerExited", /container\.logs/],
  ["init: anything else", init("something odd"), "StartFailed", "ResourceInitializationError", /something odd/],
  [
    "cannot start",
    failed("CannotStartContainerError: exec: ./run.sh: no such file"),
    "Misconfigured",
    "CannotStartContainerError",
    /container\.command/,
  ],
  ["cannot create a volume", failed("CannotCreateVolumeError: no driver"), "Misconfigured", "CannotCreateVolumeError", /volume/],
  ["cannot inspect", failed("CannotInspectContainerError: gone"), "Misconfigured", "CannotInspectContainerError", /inspected/],
  [
    "runtime time-out",
    failed("ContainerRuntimeTimeoutError: Could not transition to running"),
    "StartFailed",
    "ContainerRuntimeTimeoutError",
    /another attempt/,
  ],
  [
    "Docker time-out",
    failed("DockerTimeoutError: Could not transition to started"),
    "StartFailed",
    "ContainerRuntimeTimeoutError",
    /another attempt/,
  ],
  [
    "network interface",
    failed("Timeout waiting for network interface provisioning to complete."),
    "StartFailed",
    "NetworkInterfaceError",
    /free addresses/,
  ],
  [
    "capacity lost",
    failed("Capacity is unavailable at this time. Please try again later"),
    "StartFailed",
    "CapacityUnavailable",
    /more zones/,
  ],
  ["not started, unknown", failed("SomethingNewError: odd"), "StartFailed", "TaskFailedToStart", /SomethingNewError: odd/],
  [
    "not started, the container tells",
    {
      stopCode: "TaskFailedToStart",
      stoppedReason: "Task failed to start",
      containerReasons: ["CannotPullContainerError: x: not found"],
    },
    "Misconfigured",
    "CannotPullContainerError",
    /name and tag/,
  ],
  ["no code, but an exit code", { exitCode: 0 }, "Exited", "EssentialContainerExited", /exit code 0/],
  [
    "no code, but a known prefix",
    { stoppedReason: "CannotStartContainerError: x" },
    "Misconfigured",
    "CannotStartContainerError",
    /command/,
  ],
  ["a new code", { stopCode: "BrandNewCode", stoppedReason: "because" }, "Unknown", "BrandNewCode", /BrandNewCode: because/],
  ["nothing", {}, "Unknown", "Unknown", /none was given/],
];

const cause = (facts: Partial<StopFacts>): StopCause => stopCause({ containerReasons: [], ...facts });

test.each(table)("%s", (_title, facts, category, reason, message) => {
  const found = cause(facts);
  expect(found).toMatchObject({ category, reason });
  expect(found.message).toMatch(message);
});

test("every row of the table has a line above", () => {
  const shown = new Set(table.map(([, facts]) => stopRuleOf({ containerReasons: [], ...facts })));
  expect(stopRules.filter((rule) => !shown.has(rule)).map(({ reason, category }) => `${reason} ${category}`)).toEqual([]);
});

test("message and reason keep their limits, whatever ECS says", () => {
  const long = "and so on ".repeat(500);
  for (const [, facts] of table) {
    const found = cause({ ...facts, stopCode: facts.stopCode ?? long, stoppedReason: `${facts.stoppedReason ?? ""} ${long}` });
    expect(found.message.length).toBeLessThanOrEqual(300);
    expect(found.reason.length).toBeLessThanOrEqual(100);
  }
});

// The stop codes of the ECS API reference and the prefixes of stoppedReason of the developer guide ("Stopped tasks error messages").
const codes = [
  ...["TaskFailedToStart", "EssentialContainerExited", "UserInitiated", "ServiceSchedulerInitiated"],
  ...["SpotInterruption", "TerminationNotice", "InfrastructureHealth"],
];
const prefixes = [
  ...["CannotPullContainerError: x", "ResourceInitializationError: x", "CannotStartContainerError: x"],
  ...["CannotCreateVolumeError: x", "CannotInspectContainerError: x", "ContainerRuntimeTimeoutError: x", "DockerTimeoutError: x"],
  "Timeout waiting for network interface provisioning to complete.",
];

test.each(codes)("the documented stop code %s has a rule", (stopCode) => {
  expect(stopRuleOf({ containerReasons: [], stopCode })).toBeDefined();
});

test.each(prefixes)("the documented reason %s has a rule of its own, and its sentence a next step", (stoppedReason) => {
  const found = cause(failed(stoppedReason));
  expect(found.message).not.toContain("no rule here");
  expect(found.message).toMatch(/: (check|give|use|mirror|build)|another attempt/);
});

test.each([
  ["CannotPullContainerError: x", "Misconfigured"],
  ["CannotPullContainerError: toomanyrequests", "StartFailed"],
  ["CannotPullContainerError: i/o timeout", "StartFailed"],
  ["ResourceInitializationError: x", "StartFailed"],
  ["CannotStartContainerError: x", "Misconfigured"],
  ["CannotCreateVolumeError: x", "Misconfigured"],
  ["Timeout waiting for network interface provisioning to complete.", "StartFailed"],
])("%s waits for a change from the second on, or is tried with growing pauses: %s", (stoppedReason, category) => {
  expect(cause(failed(stoppedReason)).category).toBe(category);
});
