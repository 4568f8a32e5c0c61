import type { ListTagsForResourceRequest, Tag, TagResourceRequest, UntagResourceRequest } from "@aws-sdk/client-ecs";
import { ApiError, invalidParameter } from "../api-error.ts";
import type { Context, Operation } from "../context.ts";
import { checkTags } from "../limits/tags.ts";

/** listTagsForResource reads the tags of a task or task definition. */
export const listTagsForResource: Operation<ListTagsForResourceRequest> = (context, request) => ({
  tags: tagged(context, request.resourceArn).tags,
});

/** tagResource adds or replaces tags of a task or task definition. */
export const tagResource: Operation<TagResourceRequest> = (context, request) => {
  const resource = tagged(context, request.resourceArn);
  const added = request.tags ?? [];
  checkTags(added);
  const tags = [...resource.tags.filter(({ key }) => !added.some((tag) => tag.key === key)), ...added];
  checkTags(tags);
  resource.tags = tags;
  return {};
};

/** untagResource removes tags of a task or task definition. */
export const untagResource: Operation<UntagResourceRequest> = (context, request) => {
  const resource = tagged(context, request.resourceArn);
  resource.tags = resource.tags.filter(({ key }) => request.tagKeys?.includes(key ?? "") !== true);
  return {};
};

function tagged(context: Context, arn: string | undefined): { tags: readonly Tag[] } {
  const resource = arn?.split(":").slice(5).join(":") ?? "";
  const [kind, clusterName = ""] = resource.split("/");
  if (arn !== undefined && kind === "task-definition") {
    const definition = context.definitions.find(arn);
    if (definition !== undefined) {
      return definition;
    }
  }
  if (arn !== undefined && kind === "task") {
    const task = context.tasks.find(context.clusters.get(clusterName), arn);
    if (task === undefined) {
      throw new ApiError("InvalidParameterException", "The specified task was not found. Specify a valid task and try again.");
    }
    return task;
  }
  throw invalidParameter(
    `The specified resource ARN is not a task or task definition of this account: ${arn ?? "none"}`,
    "reference",
  );
}
