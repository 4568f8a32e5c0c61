import { CreateClusterCommand, ECSClient, RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../../src/api/v1alpha1/ecs-runner-class.ts";
import { createEcsProvider } from "../../../src/provider/ecs/provider.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { systemClock } from "../../../src/util/clock.ts";
import { inPool } from "../../../src/util/in-pool.ts";
import type { ContractOptions } from "./options.ts";
import { readBackTask, revisionsOf } from "./read-back.ts";
import { shapeChoices } from "./shape-class.ts";
import { simulatorFaults } from "./simulator-faults.ts";
import type { ContractControl, ContractSubject } from "./subject.ts";
import { WireTap } from "./wire-tap.ts";
import { ecsClass, ecsSpec } from "../ecs-class.ts";
import { collect } from "../launches.ts";
import type { EmulatorName } from "./emulators.ts";

const rungs = ["spot", "on-demand"] as const;

/** endpointSubject is the ECS provider at an endpoint, with whatever that endpoint lets a test control. */
export async function endpointSubject(
  options: ContractOptions & { readonly endpoint: string },
  emulator: EmulatorName,
): Promise<ContractSubject> {
  // One that starts containers while it answers is slow on a busy machine, which is not what is judged here.
  const tap = new WireTap(emulator === "ministack" ? 30_000 : undefined);
  // Only AWS itself has throttles to keep to; elsewhere the suite would wait for nothing.
  const pace = emulator === "ECS" ? 1 : 1_000;
  const provider = createEcsProvider({ clock: systemClock, log: silentLogger(), pace, openSender: tap.open });
  const cls = ecsClass(await preparedSpec(options, emulator));
  // A second client, so that nothing of what is read back is the provider's own word.
  const client = new ECSClient({ endpoint: options.endpoint, region: options.region });
  return {
    provider,
    cls,
    rungs,
    control: {
      ...(emulator === "simulator" && simulatorControl(options)),
      ...(options.node !== undefined && { node: options.node }),
      readBack: (id) => readBackTask(client, options.cluster, id),
      revisions: (definitionArn) => revisionsOf(client, definitionArn),
      securityGroupsOf: (id) => tap.securityGroups.get(id),
      countCalls: () => tap.calls,
    },
    close: async () => {
      const signal = AbortSignal.timeout(100_000);
      const place = { classRef: cls, connection: provider.connection(cls) as Record<string, string> };
      const ids = (await collect(provider.list(cls, {}, signal))).map(({ id }) => id);
      await inPool(ids, 8, (id) => provider.delete(place, id, "the contract suite is over", signal));
      client.destroy();
      await provider.close();
    },
  };
}

/** preparedSpec is a class' spec that runs at the endpoint, which has all that it names afterwards. */
export async function preparedSpec(
  options: ContractOptions & { readonly endpoint: string },
  emulator: EmulatorName,
): Promise<Partial<ECSRunnerClassSpec>> {
  return { ...specOf(options), ...(await prepare(options, emulator)) };
}

function specOf({
  endpoint,
  region,
  cluster,
  subnets,
  securityGroups,
  image,
  otherImage,
  otherSecurityGroup,
  command,
  providers,
  executionRoleArn,
}: ContractOptions): Partial<ECSRunnerClassSpec> {
  return {
    region,
    cluster,
    ...(endpoint !== undefined && { endpoint }),
    image,
    ...shapeChoices(otherImage, otherSecurityGroup),
    ...(command !== undefined && { container: { ...ecsSpec().container, command: [...command] } }),
    ...(executionRoleArn !== undefined && { executionRoleArn }),
    capacity: rungs.map((name, index) => ({ name, providers: [{ name: providers[index] ?? "FARGATE", weight: 1 }] })),
    network: {
      subnets: subnets.length > 0 ? [...subnets] : ["subnet-0a1", "subnet-0b2"],
      securityGroups: securityGroups.length > 0 ? [...securityGroups] : ["sg-0c3"],
      assignPublicIp: false,
    },
  };
}

/** What an emulator needs before the first launch; AWS itself is left as it is. */
async function prepare(
  options: ContractOptions & { readonly endpoint: string },
  emulator: EmulatorName,
): Promise<Partial<ECSRunnerClassSpec>> {
  if (emulator !== "moto" && emulator !== "ministack") return {};
  const client = new ECSClient({ endpoint: options.endpoint, region: options.region });
  try {
    await client.send(new CreateClusterCommand({ clusterName: options.cluster, capacityProviders: [...options.providers] }));
    return emulator === "moto" ? await prepareMoto(client, options) : {};
  } finally {
    client.destroy();
  }
}

/**
 * moto knows only subnets and groups of its own EC2, and fails with 500 for containers without a memory of their own, which ECS does
 * not ask for on Fargate. So its tasks run from a definition brought along.
 */
async function prepareMoto(
  client: ECSClient,
  options: ContractOptions & { readonly endpoint: string },
): Promise<Partial<ECSRunnerClassSpec>> {
  await client.send(
    new RegisterTaskDefinitionCommand({
      family: "getabako-contract",
      networkMode: "awsvpc",
      requiresCompatibilities: ["FARGATE"],
      cpu: "1024",
      memory: "2048",
      executionRoleArn: options.executionRoleArn ?? "arn:aws:iam::123456789012:role/ecs-execution",
      containerDefinitions: [{ name: "runner", image: options.image, memory: 1024, essential: true }],
    }),
  );
  const subnets =
    options.subnets.length > 0 ? options.subnets : await ec2Ids(options, "DescribeSubnets", /<subnetId>(subnet-[^<]+)</g);
  const groups =
    options.securityGroups.length > 0
      ? options.securityGroups
      : await ec2Ids(options, "DescribeSecurityGroups", /<groupId>(sg-[^<]+)</g);
  const [vpc = ""] = await ec2Ids(options, "DescribeVpcs", /<vpcId>(vpc-[^<]+)</g);
  const facts = { GroupName: `contract-${crypto.randomUUID()}`, GroupDescription: "to choose", VpcId: vpc };
  const [other = ""] = await ec2Ids(options, "CreateSecurityGroup", /<groupId>(sg-[^<]+)</g, facts);
  return {
    ...shapeChoices(options.otherImage, other),
    image: undefined as never,
    taskDefinition: "getabako-contract",
    network: { subnets: subnets.slice(0, 2), securityGroups: groups.slice(0, 1), assignPublicIp: false },
  };
}

/** One call of EC2's query API, which moto does not ask a signature for: client-ec2 would cost more than this suite. */
async function ec2Ids(
  { endpoint, region }: { readonly endpoint: string; readonly region: string },
  action: string,
  id: RegExp,
  parameters: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/ec2/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: new URLSearchParams({ Action: action, Version: "2016-11-15", ...parameters }),
  });
  const text = await answer.text();
  const ids = [...text.matchAll(id)].map((match) => match[1] ?? "");
  if (ids.length === 0) throw new Error(`${action} at ${endpoint} answered ${answer.status} and names none`);
  return [...new Set(ids)];
}

/** The simulator's control surface, over HTTP as for any other program. */
function simulatorControl({ endpoint = "", providers }: ContractOptions): ContractControl {
  const request = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${endpoint}/_sim/${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${method} ${path}: ${await answer.text()}`);
    return answer.json();
  };
  const post = async (path: string, body: object): Promise<void> => void (await request("POST", path, body));
  const capacityOf = (rung: string): string => (rung === rungs[0] ? providers[0] : providers[1]);
  const task = (id: string, body: object): Promise<void> => post(`tasks/${encodeURIComponent(id)}`, body);
  return {
    exit: (id, exitCode) => task(id, { action: "exit", exitCode }),
    interrupt: (id) => task(id, { action: "interrupt" }),
    forget: (id) => task(id, { action: "expire" }),
    refuse: (rung) => post(`capacity/${capacityOf(rung)}`, { action: "refuse" }),
    accept: (rung) => post(`capacity/${capacityOf(rung)}`, { action: "release" }),
    // The SDK asks twice by itself.
    loseAnswer: (rung) => post("faults", { outcome: { kind: "cut", accepted: true }, capacity: capacityOf(rung), times: 2 }),
    faults: simulatorFaults(
      (outcome, times = 1) => post("faults", { outcome, times }),
      (path, body) => post(path, body),
    ),
    countLive: async (requestUid) => {
      const tasks = (await request("GET", "tasks")) as readonly { readonly startedBy?: string; readonly lastStatus?: string }[];
      return tasks.filter(({ startedBy, lastStatus }) => startedBy === requestUid && lastStatus !== "STOPPED").length;
    },
  };
}
