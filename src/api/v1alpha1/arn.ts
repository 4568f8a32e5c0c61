import { z } from "zod";

/** arn is the ARN of a thing of a service; `rest` is a regular expression for what follows the service. */
export const arn = (service: string, rest: string) =>
  z
    .string()
    .max(2048)
    .regex(new RegExp(`^arn:aws[a-z-]*:${service}:${rest}$`));

/** roleArn is the ARN of an IAM role. */
export const roleArn = arn("iam", ":[0-9]{12}:role/.+");
