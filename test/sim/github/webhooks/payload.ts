import { nodeId, renderOrganization, renderRepository, renderUser } from "../render/account.ts";
import { renderJob, sender } from "../render/job.ts";
import type { Installation, Job } from "../state/model.ts";
import type { World } from "../state/world.ts";

export type JobAction = "queued" | "waiting" | "in_progress" | "completed";

/** workflowJobPayload is the body of a workflow_job event as an App gets it. */
export function workflowJobPayload(world: World, job: Job, action: JobAction, installation: Installation) {
  const { repository } = job.run;
  return {
    action,
    workflow_job: renderJob(world, job),
    repository: { ...renderRepository(world, repository), custom_properties: {} },
    ...(repository.owner.type === "Organization" && { organization: renderOrganization(world, repository.owner) }),
    sender: renderUser(world, sender),
    installation: { id: installation.id, node_id: nodeId("MDIz", installation.id) },
  };
}
