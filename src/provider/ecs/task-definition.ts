import type {
  Compatibility,
  ContainerDefinition,
  RegisterTaskDefinitionCommandInput,
  TaskDefinition,
  Volume,
} from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { parseDurationMs } from "../../util/duration.ts";
import { canonicalJson, shortHash } from "../../util/hash.ts";
import { type CapacityType, capacityTypeOf } from "./rung.ts";

/** RegisteredDefinition is a task definition that the operator registers for a class. */
export interface RegisteredDefinition {
  /** Hash of the content: classes of equal content share one definition. */
  readonly hash: string;
  /** Carries the hash, so that one DescribeTaskDefinition finds the definition again after a restart. */
  readonly family: string;
  readonly input: RegisterTaskDefinitionCommandInput;
}

/**
 * Variables that every runner starts with; a class may set others. With the first, the runner ends with code 7 when GitHub accepts
 * its version no longer, instead of one that looks like success. With the second it passes SIGTERM on to the job.
 */
const runnerEnvironment: Readonly<Record<string, string>> = {
  ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1",
  RUNNER_MANUALLY_TRAP_SIG: "1",
};

/** The size in every definition. Each task brings its own, so a class that changes its size needs no other definition. */
const placeholderSize = { cpu: "1024", memory: "2048" } as const;

/** compatibilityOf is ECS' word for what a rung's tasks run on. */
export const compatibilityOf = {
  Fargate: "FARGATE",
  AutoScalingGroup: "EC2",
  ManagedInstances: "MANAGED_INSTANCES",
} as const satisfies Record<CapacityType, Compatibility>;

/**
 * registeredDefinition is what to register for a class that has an image: one definition for the whole ladder. What the kinds of capacity
 * forbid does not clash: all take awsvpc (Managed Instances have no bridge), a task size that Fargate has, empty volumes and awslogs; and
 * privileged is for classes without Fargate (CRD). ECS checks the definition for every kind that is named.
 */
export function registeredDefinition(spec: ECSRunnerClassSpec & { readonly image: string }): RegisteredDefinition {
  const content = {
    networkMode: "awsvpc",
    requiresCompatibilities: compatibilities(spec),
    ...placeholderSize,
    runtimePlatform: {
      operatingSystemFamily: "LINUX",
      cpuArchitecture: spec.platform.arch === "arm64" ? "ARM64" : "X86_64",
    },
    ...(spec.executionRoleArn !== undefined && { executionRoleArn: spec.executionRoleArn }),
    ...(spec.taskRoleArn !== undefined && { taskRoleArn: spec.taskRoleArn }),
    containerDefinitions: [containerDefinition(spec)],
    ...(spec.container.volumes.length > 0 && { volumes: mounts(spec).map(({ name }) => ({ name })) }),
  } satisfies Omit<RegisterTaskDefinitionCommandInput, "family">;
  const hash = shortHash(canonicalJson(content), 16);
  const family = `getabako-${hash}`;
  return { hash, family, input: { family, ...content } };
}

/**
 * isSameDefinition tells whether ECS' definition is the one to be registered: anybody who may register can add a revision to its family.
 * It compares what decides who runs what with which rights and files; the rest comes back with ECS' own defaults filled in.
 */
export function isSameDefinition(found: TaskDefinition, { input }: RegisteredDefinition): boolean {
  return (
    found.status !== "INACTIVE" &&
    (input.requiresCompatibilities ?? []).every((kind) => supports(found, kind)) &&
    canonicalJson(decisive(found)) === canonicalJson(decisive(input))
  );
}

/** What isSameDefinition compares, in one form for what was registered and for what ECS makes of it. */
function decisive(definition: Pick<TaskDefinition, "containerDefinitions" | "volumes" | "executionRoleArn" | "taskRoleArn">) {
  return {
    roles: [definition.executionRoleArn || null, definition.taskRoleArn || null],
    // Any setting beside the name would make another thing of a volume: a path of the host, a share.
    volumes: (definition.volumes ?? []).map((volume) => (isEmptyVolume(volume) ? volume.name : volume)).sort(byText),
    containers: (definition.containerDefinitions ?? []).map(({ name, image, command, entryPoint, privileged, mountPoints }) => ({
      ...{ name, image, command: command ?? [], entryPoint: entryPoint ?? [], privileged: privileged === true },
      mounts: (mountPoints ?? [])
        .map(({ sourceVolume, containerPath, readOnly }) => [sourceVolume, containerPath, readOnly === true])
        .sort(byText),
    })),
  };
}

/** supports tells whether ECS takes a definition for a kind of capacity. */
export function supports({ compatibilities, requiresCompatibilities }: TaskDefinition, kind: Compatibility): boolean {
  return compatibilities?.includes(kind) === true || requiresCompatibilities?.includes(kind) === true;
}

/** What ECS is to validate the definition for: every kind of capacity of the ladder. */
function compatibilities({ capacity }: ECSRunnerClassSpec): Compatibility[] {
  const types = new Set(capacity.map(capacityTypeOf));
  return (["Fargate", "AutoScalingGroup", "ManagedInstances"] as const)
    .filter((type) => types.has(type))
    .map((type) => compatibilityOf[type]);
}

/** The class' volumes in an order of their own. A volume's name tells its path and, since /a-b and /a/b read the same, a hash of it. */
function mounts({ container }: ECSRunnerClassSpec): readonly { readonly name: string; readonly path: string }[] {
  return [...container.volumes].sort().map((path) => {
    const words = path.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "");
    return { name: `${words.slice(0, 60)}-${shortHash(path)}`, path };
  });
}

/** A volume that begins empty and ends with its task: one with a path of the host is another thing under the same name. */
function isEmptyVolume(volume: Volume): boolean {
  const { name: _, host, configuredAtLaunch, ...drivers } = volume;
  const elsewhere = Object.values(drivers).some((settings) => settings !== undefined && settings !== null);
  return (host?.sourcePath ?? "") === "" && configuredAtLaunch !== true && !elsewhere;
}

function containerDefinition(spec: ECSRunnerClassSpec & { readonly image: string }): ContainerDefinition {
  const { container, image, region } = spec;
  const secrets = container.secrets.map(({ name, valueFrom }) => ({ name, valueFrom })).sort(byName);
  const environment = new Map(Object.entries(runnerEnvironment));
  for (const { name } of secrets) environment.delete(name);
  for (const { name, value } of container.environment) environment.set(name, value);
  return {
    name: container.name,
    image,
    essential: true,
    command: [...container.command],
    environment: [...environment].map(([name, value]) => ({ name, value })).sort(byName),
    ...(secrets.length > 0 && { secrets }),
    ...(container.privileged && { privileged: true }),
    ...(container.volumes.length > 0 && {
      mountPoints: mounts(spec).map(({ name, path }) => ({ sourceVolume: name, containerPath: path, readOnly: false })),
    }),
    stopTimeout: Math.round(parseDurationMs(container.stopTimeout) / 1_000),
    ...(container.logs !== undefined && {
      logConfiguration: {
        logDriver: "awslogs",
        options: {
          "awslogs-group": container.logs.group,
          "awslogs-region": region,
          "awslogs-stream-prefix": container.logs.streamPrefix,
        },
      },
    }),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function byText(a: unknown, b: unknown): number {
  const [left, right] = [canonicalJson(a), canonicalJson(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
