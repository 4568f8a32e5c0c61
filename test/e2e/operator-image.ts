import { join } from "node:path";
import { buildImage } from "../../scripts/image.ts";

/** OperatorImage is the operator as it is shipped. */
export interface OperatorImage {
  readonly repository: string;
  readonly tag: string;
  readonly archive: string;
}

/** buildOperatorImage builds what `npm run image` builds. */
export async function buildOperatorImage(directory: string, tag: string): Promise<OperatorImage> {
  const repository = "localhost/getabako";
  const { file } = await buildImage({ name: `${repository}:${tag}`, file: join(directory, "operator.tar") });
  return { repository, tag, archive: file };
}
