import { fileURLToPath } from "node:url";

/** folder is where the runner image's files are. */
export const folder = fileURLToPath(new URL("../../images/runner/", import.meta.url));
