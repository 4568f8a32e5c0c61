import type { OpenEcsSender } from "../../provider/ecs/clients.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Clock } from "../../util/clock.ts";
import type { Objects } from "../connect.ts";
import type { DoctorOptions } from "./options.ts";
import type { FoundOperator } from "./find-operator.ts";

/** Context is what checks of every object share. */
export interface Context {
  readonly options: DoctorOptions;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly objects: Objects;
  readonly operator: FoundOperator;
  /** Makes SDK clients, with the AWS credentials of this process. */
  readonly openSender: OpenEcsSender;
  /** How people get at the rights of the operator. */
  readonly inPod: string;
}
