import { runCommand } from "../cluster/run-command.ts";
import type { Engine } from "./engine.ts";

/*
 * Honesty first: this goes with kind and was written from Docker's documentation; it was not run yet, for want of a Docker engine.
 */

/** dockerEngine is the Docker that kind's node runs in too. */
export async function dockerEngine(): Promise<Engine> {
  const docker = async (...args: readonly string[]): Promise<string> => await runCommand("docker", args);
  const context = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
  const dockerHost = process.env["DOCKER_HOST"] ?? (await docker(...context)).trim();
  const loaded: string[] = [];
  return {
    name: "docker",
    dockerHost,
    load: async (image) => {
      await docker("load", "--quiet", "--input", image.archive);
      loaded.push(image.name);
    },
    containers: async () => await docker("ps", "--all", "--filter", "name=ministack-ecs-", "--format", "{{.Names}} {{.Status}}"),
    logs: async (name) => await docker("logs", name),
    // The emulator has removed its containers by then.
    close: async () => {
      for (const image of loaded) await docker("rmi", "--force", image);
    },
  };
}
