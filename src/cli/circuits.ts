import { CircuitMetrics } from "../controllers/runner-class/circuit-metrics.ts";
import { circuitPeriods } from "../controllers/runner-class/circuit-periods.ts";
import { Circuits } from "../controllers/runner-class/circuits.ts";
import { type ClassKey, classKeyOf, targetKeyOf } from "../controllers/runner-request/world.ts";
import { scaled } from "../util/periods.ts";
import type { ControllersOptions } from "./controllers.ts";

/** createCircuits builds the circuit breakers of all classes. `changed` is called with a class whose status has to tell of a change. */
export function createCircuits(options: ControllersOptions, changed: (cls: ClassKey) => void): Circuits {
  const { stores, clock, registry, timeDivisor } = options;
  return new Circuits({
    runnerClass: (key) => (key.kind === "ECSRunnerClass" ? stores.classes.informer.store.get(key) : undefined),
    classOfTarget: (request) => {
      const target = stores.targets.informer.store.get(targetKeyOf(request));
      return target && classKeyOf(target);
    },
    changed,
    metrics: new CircuitMetrics(registry),
    clock,
    periods: scaled(circuitPeriods, timeDivisor),
  });
}
