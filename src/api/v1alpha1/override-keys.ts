/**
 * overrideKeys are what a workflow may choose with labels such as cpu=4, spelled as in spec.overrides; apart from the schemas, so that
 * the operator does not load those at run time.
 */
export const overrideKeys = ["size", "cpu", "memory", "disk", "image", "capacity", "securityGroup"] as const;
export type OverrideKey = (typeof overrideKeys)[number];
