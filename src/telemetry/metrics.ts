import { collectDefaultMetrics, Registry } from "prom-client";

// prom-client has its home here; everybody else takes its classes from this file.
export { Counter, Gauge, Histogram, Registry } from "prom-client";

/** createRegistry makes the process' one registry, with the process, heap, garbage collection and event loop metrics in it. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
