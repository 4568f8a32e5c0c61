/** Reasons of each condition, with what they mean: the reference page is made from these lists, and code uses no other words. */

/** runnerRequestReasons by condition type. */
export const runnerRequestReasons = {
  Admitted: {
    AwaitingAdmission: "Not looked at yet, or the runners that an earlier leader started are still being counted.",
    TargetNotFound: "The RunnerTarget does not exist (any more).",
    Rejected: "The job's labels ask for a runner that the RunnerTarget does not allow, or that its class does not have.",
    LabelsChanged: "The RunnerTarget's labels do not cover the job any more.",
    TargetNotReady: "The RunnerTarget is not Ready; its own conditions say why.",
    TargetPaused: "The RunnerTarget is paused.",
    TargetAtCapacity: "The RunnerTarget has maxRunners runners; the request waits for its turn.",
    AwaitingRetry:
      "An attempt ended without a job, or was refused for longer than timeouts.launch; the message says when the next try is due.",
    AwaitingChange: "The class or the target must be changed before another attempt makes sense.",
    SlotFree: "The request holds one of the target's slots.",
    NotNeeded: "The job was over before a runner was launched for it.",
  },
  Launched: {
    AwaitingLaunch: "Not launched yet.",
    InsufficientCapacity:
      "No rung of the ladder has capacity; tried again within a minute, and after timeouts.launch every 15 minutes.",
    ClassNotReady: "The cluster, the task definition or another part of the class is missing.",
    Throttled: "The provider asked for a pause, or launches before this one use up what it allows; it follows in its turn.",
    Unavailable: "The provider did not answer; the same call is repeated.",
    Unauthorized: "The provider refused the operator's credentials or rights.",
    ConfigError: "The provider refuses the launch as the class describes it; waits for a change.",
    ProviderError: "The provider failed in a way that has no name; repeated.",
    GitHubRateLimited: "GitHub's rate limit is used up; the message says until when.",
    GitHubUnavailable: "GitHub did not answer; repeated.",
    GitHubRefused: "GitHub refuses the registration; the message says what is missing.",
    Accepted: "The provider accepted the runner.",
    AttemptEnded: "The newest attempt has ended.",
  },
  Registered: {
    AwaitingRegistration: "GitHub does not know the runner as online yet.",
    Online: "GitHub lists the runner as online.",
    JobStarted: "The runner has taken a job.",
    CannotDeregister: "The registration has to go and cannot be removed at GitHub yet; the message says why.",
    AttemptEnded: "The newest attempt has ended.",
  },
  Assigned: {
    AwaitingJob: "The runner has no job yet.",
    JobInProgress: "The runner runs a job.",
    JobCompleted: "The runner's job has ended.",
    AttemptEnded: "The newest attempt has ended without a job.",
  },
  Succeeded: {
    JobCompleted: "The runner ran a job to its end, whatever the job's conclusion.",
    NotNeeded: "The job was taken by another runner, and this one is not needed.",
    JobCancelled: "The job was cancelled before a runner took it.",
    RunnerLost: "The instance ended while its job ran.",
    Rejected:
      "The job's labels ask for a runner that the RunnerTarget does not allow, or that its class does not have; the message says what would be allowed.",
    Uncovered: "The request's RunnerTarget was deleted, or its labels do not cover the job any more; the job is matched anew.",
    JobExpired: "The job waited for 24 hours; GitHub gives up then.",
    TimedOut: "The job ran longer than the target's timeouts.job.",
    Deleted: "The request was deleted.",
  },
} as const satisfies Record<string, Record<string, string>>;

export type RunnerRequestConditionType = keyof typeof runnerRequestReasons;
export type ReasonOf<Type extends RunnerRequestConditionType> = keyof (typeof runnerRequestReasons)[Type];

/** attemptReasons: why an attempt ended without finishing the request. */
export const attemptReasons = {
  LaunchTimedOut: "The instance did not run within timeouts.launch.",
  RegistrationTimedOut: "GitHub did not see the runner within timeouts.registration.",
  RegistrationLost: "GitHub does not list the runner any more, although it had no job.",
  IdleTimedOut: "The runner had no job for timeouts.idle.",
  NoJob: "The runner ended without having had a job.",
  Interrupted: "The capacity was taken away before a job began.",
  StartFailed: "The instance could not start, for a passing reason.",
  Misconfigured: "The instance cannot start as the class describes it.",
  RunnerVersionRefused: "The runner ended with code 7: GitHub accepts its version no longer; the image has to be built anew.",
  OutOfMemory: "The instance ran out of memory before a job began.",
  HostFailure: "The machine below the instance failed.",
  InstanceLost: "The provider does not know the instance any more.",
  Stopped: "The instance was stopped by somebody else.",
  NotNeeded: "The job went away, and no other needs the runner.",
  TimedOut: "The job ran longer than timeouts.job.",
  Deleted: "The request was deleted.",
  JobCompleted: "The runner's job ended.",
  RunnerLost: "The instance ended while its job ran.",
} as const;

export type AttemptReason = keyof typeof attemptReasons;

/** readyReasons by kind: reasons of the Ready condition. */
export const readyReasons = {
  ECSRunnerClass: {
    Ready: "Runners can be started.",
    Unauthorized: "AWS refuses the operator's credentials, or they lack a right; the message says which.",
    ClusterNotFound: "The cluster does not exist in this account and Region.",
    ClusterInactive: "The cluster is not ACTIVE.",
    CapacityProviderMissing: "A capacity provider of the ladder is not associated with the cluster.",
    CapacityProviderInvalid: "A capacity provider of the ladder is not ACTIVE, or is of another type than its rung says.",
    TaskDefinitionNotFound: "The task definition that the class names does not exist or is inactive.",
    TaskDefinitionInvalid: "ECS refuses the task definition made from the class, or the one it names does not fit.",
    ImageInvalid: "The image reference is malformed.",
    ExecutionRoleMissing: "The image can be pulled with an execution role only, and the class has none.",
    NetworkInvalid: "The network settings do not go together.",
    LaunchRefused: "A Warning event, not a reason of Ready: ECS refused a launch for what may concern that launch only.",
    StartFailing:
      "A Warning event, not a reason of Ready: a runner could not start as the class describes it; the message says why.",
    RightMissing: "A Warning event, not a reason of Ready: a right is missing that runners do not need; the message names it.",
    DeliveryBucketUnusable: "JIT configurations cannot be put into the bucket of jitConfigDelivery.s3; the message says why.",
    DeliveryOverridden: "The class sets the variable that the runner reads its JIT configuration from.",
    DeliveryBucketVersioned: "A Warning event, not a reason of Ready: the bucket keeps JIT configurations that were removed.",
    SingleSubnet: "A Warning event, not a reason of Ready: all runners depend on one zone's capacity.",
    QueueUnreachable: "A Warning event, not a reason of Ready: the queue of events cannot be read, so tasks are read by polling.",
    EventsMissing:
      "A Warning event, not a reason of Ready: tasks changed and the queue of events told nothing of it, so tasks are read by polling.",
    Unavailable: "AWS did not answer; checked again.",
    Throttled: "AWS asked for a pause; checked again.",
    Internal: "The check failed in a way that has no name; the log has its cause.",
  },
  GitHubApp: {
    Ready: "The App can be used.",
    SecretNotFound: "A Secret or a key in it is missing.",
    SecretForbidden: "The operator may not read a Secret; the chart's secrets value grants it.",
    InvalidPrivateKey: "The private key cannot be used; the message says why.",
    InvalidSettings: "url, apiUrl or the CA bundle cannot be used; the message says why.",
    Unauthorized: "GitHub does not accept the App's key: wrong appId, revoked key, or a clock that is off.",
    PermissionMissing: "The App lacks a permission; the message names it.",
    EventMissing: "The App is not subscribed to the workflow_job event.",
    NotInstalled: "The App is installed nowhere.",
    Unavailable: "GitHub did not answer; the last known state holds.",
    RateLimited: "GitHub's rate limit is used up; the last known state holds.",
    AwaitingCheck: "Not looked at yet.",
  },
  RunnerTarget: {
    Ready: "Jobs are served.",
    GitHubAppNotFound: "The GitHubApp does not exist.",
    GitHubAppNotReady: "The GitHubApp is not Ready.",
    GitHubAppAccessDenied:
      "The GitHubApp's access does not admit this namespace, or not the target's whole scope; the message says which.",
    ClassNotFound: "The class does not exist.",
    ClassNotReady: "The class is not Ready.",
    ClassAccessDenied: "The class' access does not admit this namespace.",
    Paused: "Launches are paused; jobs are recorded.",
  },
} as const;

/** runnerVersionReasons: reasons of a RunnerTarget's condition RunnerVersion, which Ready does not depend on. */
export const runnerVersionReasons = {
  Current: "The oldest of the target's runners that GitHub listed last is of the release that GitHub offers.",
  Outdated:
    "GitHub offers a newer release, and gives no jobs to runners that lack one for more than 30 days; the message names both and the day.",
  Refused:
    "GitHub accepts the version of the target's runners no longer: two in a row ended with code 7, or it is below 2.329.0.",
  NotCompared: "Runners have told their version, and GitHub has not said yet which one it offers.",
} as const;

export type RunnerVersionReason = keyof typeof runnerVersionReasons;

export type ReadyKind = keyof typeof readyReasons;
export type ReadyReason<Kind extends ReadyKind = ReadyKind> = { [Each in Kind]: keyof (typeof readyReasons)[Each] }[Kind];
/** ClassReason is what a provider may find about a class. */
export type ClassReason = ReadyReason<"ECSRunnerClass">;

/**
 * eventReasons by kind of the object that the event is about: Kubernetes Events that repeat no reason of the lists above. A
 * RunnerRequest also gets an event when it begins to wait for its target (reasons of Admitted), a Warning for each refused launch (reasons
 * of Launched) and for each attempt that ended without a job, and an event for its outcome (reasons of Succeeded); the other kinds get a Warning for each reason with which Ready becomes False.
 */
export const eventReasons = {
  RunnerRequest: {
    Launched: "Normal: the provider accepted the runner; the note names the instance and its capacity.",
    JobStarted: "Normal: the runner took a job; the note says when it is another one than the one that asked.",
    CapacityRefused: "Warning: a rung of the ladder refused before another one accepted.",
    Interrupted: "Warning: the capacity below the runner is about to be taken away, or was.",
    CannotStop: "Warning: the provider could not be asked to stop the instance; asked again.",
    CannotLookForLeftovers:
      "Warning: target, class or App are gone, so nobody can look whether an earlier process left an instance or a registration.",
    Deleting: "Normal: a person deleted the request, so its runner is stopped; the note names the job that goes with it.",
    Replaced: "Normal: another job took the runner, and a replacement was made for the job that asked.",
    Starved: "Warning: the job's fast replacements were all taken by other jobs; the next ones come every 15 minutes.",
    Released: "Warning: a person let the request go by annotation; the note says what stays behind.",
  },
  RunnerTarget: {
    RunnerOutdated:
      "Warning: runners connect with an older release than GitHub offers; the note says until when GitHub gives them jobs.",
    RunnerRefused: "Warning: GitHub accepts the version of the target's runners no longer.",
    RunnerCurrent: "Normal: runners connect with a version that lacks nothing that is known of, after others did.",
  },
  ECSRunnerClass: {
    CircuitOpened: "Warning: a rung of the ladder is passed over for a while.",
    CircuitHalfOpen: "Normal: a rung that was passed over is tried by one runner.",
    CircuitClosed: "Normal: a rung is used again.",
    InstanceSwept: "Warning: an instance that belonged to no attempt was stopped.",
  },
} as const satisfies Partial<Record<ReadyKind | "RunnerRequest", Readonly<Record<string, string>>>>;

type OwnEventReason = { [Kind in keyof typeof eventReasons]: keyof (typeof eventReasons)[Kind] }[keyof typeof eventReasons];

/** RunnerRequestEventReason is what an event of a RunnerRequest may say. */
export type RunnerRequestEventReason =
  | keyof (typeof eventReasons)["RunnerRequest"]
  | { [Type in RunnerRequestConditionType]: ReasonOf<Type> }[RunnerRequestConditionType]
  | AttemptReason;

/** EventReason is what any event of the operator may say. */
export type EventReason = OwnEventReason | RunnerRequestEventReason | ReadyReason;
