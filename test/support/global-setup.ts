import type { TestProject } from "vitest/node";
import { type ControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { installCrds } from "./install-crds.ts";

/** SharedControlPlane is what the suites learn about the control plane that all of them share. */
export interface SharedControlPlane {
  readonly kubeconfig: string;
  readonly server: string;
  readonly way: string;
  readonly kubectlPath: string;
  readonly hasControllerManager: boolean;
  readonly adminToken?: string;
  readonly servingCertificate?: { readonly certificate: string; readonly key: string };
  /** What the API server said against this project's CRDs. */
  readonly crdProblem?: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    controlPlane: SharedControlPlane;
  }
}

let controlPlane: ControlPlane | undefined;

const report = (line: string): void => void process.stderr.write(`[test cluster] ${line}\n`);

/** setup starts one API server for all suites of this run, with this project's CRDs installed. */
export async function setup(project: TestProject): Promise<void> {
  controlPlane = await startControlPlane({ report });
  // One wrong CRD must not hide what the suites of other kinds, and of none, have to say; crds.test.ts fails for it.
  const crdProblem = await installCrds(controlPlane).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  if (crdProblem !== undefined) report(crdProblem);
  const { kubeconfig, server, way, kubectlPath, hasControllerManager, adminToken, servingCertificate } = controlPlane;
  project.provide("controlPlane", {
    kubeconfig,
    server,
    way,
    kubectlPath,
    hasControllerManager,
    ...(adminToken === undefined ? {} : { adminToken }),
    ...(servingCertificate === undefined ? {} : { servingCertificate }),
    ...(crdProblem === undefined ? {} : { crdProblem }),
  });
}

/** teardown stops what setup started. */
export async function teardown(): Promise<void> {
  await controlPlane?.stop();
}
