import { appFaults } from "./app.ts";
import { classFaults } from "./class.ts";
import { clusterFaults } from "./cluster.ts";
import type { Fault } from "./fault.ts";
import { requestFaults } from "./request.ts";
import { targetFaults } from "./target.ts";

/** faults is every broken set-up that doctor claims to find, in the order of its report. */
export const faults: readonly Fault[] = [...clusterFaults, ...appFaults, ...classFaults, ...targetFaults, ...requestFaults];
