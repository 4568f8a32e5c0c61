import type {
  DeregisterTaskDefinitionRequest,
  DescribeTaskDefinitionRequest,
  ListTaskDefinitionsRequest,
  RegisterTaskDefinitionRequest,
} from "@aws-sdk/client-ecs";
import { clientException, invalidParameter } from "../api-error.ts";
import type { Operation } from "../context.ts";
import { checkTaskDefinition } from "../limits/task-definition.ts";
import type { Definition } from "../state/definitions.ts";
import { page } from "./page.ts";

/** registerTaskDefinition adds a revision to a family, also when an equal one exists. */
export const registerTaskDefinition: Operation<RegisterTaskDefinitionRequest> = (context, request, call) => {
  checkTaskDefinition(request);
  const registeredBy = `arn:aws:iam::${context.account.id}:user/${call.accessKeyId}`;
  const definition = context.definitions.register(request, context.clock.now(), registeredBy);
  return { taskDefinition: shape(definition), tags: definition.tags };
};

/** describeTaskDefinition reads a family's newest active revision, or the one named. */
export const describeTaskDefinition: Operation<DescribeTaskDefinitionRequest> = (context, request) => {
  const definition = context.definitions.find(request.taskDefinition ?? "");
  if (definition === undefined) {
    throw clientException("Unable to describe task definition.");
  }
  return { taskDefinition: shape(definition), ...(request.include?.includes("TAGS") === true ? { tags: definition.tags } : {}) };
};

/** deregisterTaskDefinition makes a revision INACTIVE; tasks that run it go on. */
export const deregisterTaskDefinition: Operation<DeregisterTaskDefinitionRequest> = (context, request) => {
  const reference = request.taskDefinition ?? "";
  if (!/:\d+$/.test(reference)) {
    throw invalidParameter("The task definition to deregister must name its revision.");
  }
  const definition = context.definitions.find(reference);
  if (definition === undefined) {
    throw clientException("The specified task definition does not exist.");
  }
  if (definition.status === "ACTIVE") {
    definition.status = "INACTIVE";
    definition.deregisteredAt = context.clock.now();
  }
  return { taskDefinition: shape(definition) };
};

/** listTaskDefinitions pages through the ARNs of active (or inactive) revisions. */
export const listTaskDefinitions: Operation<ListTaskDefinitionsRequest> = (context, request) => {
  const { familyPrefix, status = "ACTIVE", sort = "ASC" } = request;
  const ascending = context.definitions
    .all()
    .toSorted((a, b) => (a.family === b.family ? a.revision - b.revision : a.family < b.family ? -1 : 1));
  const ordered = sort === "DESC" ? ascending.toReversed() : ascending;
  const matching = ordered.filter(
    (definition) => definition.status === status && (familyPrefix === undefined || definition.family === familyPrefix),
  );
  const arn = (definition: Definition): string => definition.arn;
  const { items, nextToken } = page(matching.map(arn), ordered.map(arn), request);
  return { taskDefinitionArns: items, ...(nextToken === undefined ? {} : { nextToken }) };
};

function shape(definition: Definition): Record<string, unknown> {
  const { tags: _, ...request } = definition.request;
  return {
    ...request,
    containerDefinitions: (request.containerDefinitions ?? []).map((container) => ({
      // What AWS fills in where nothing was said.
      cpu: 0,
      environment: [],
      essential: true,
      mountPoints: [],
      portMappings: [],
      volumesFrom: [],
      ...container,
    })),
    volumes: request.volumes ?? [],
    placementConstraints: request.placementConstraints ?? [],
    taskDefinitionArn: definition.arn,
    revision: definition.revision,
    status: definition.status,
    compatibilities: definition.compatibilities,
    registeredAt: definition.registeredAt / 1000,
    registeredBy: definition.registeredBy,
    ...(definition.deregisteredAt === undefined ? {} : { deregisteredAt: definition.deregisteredAt / 1000 }),
  };
}
