/** taskArnPattern is the form of a task's ARN, which is an instance's id. */
export const taskArnPattern = /^arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:task\/[A-Za-z0-9_/-]+$/;
