import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const directory = new URL("../config/samples/", import.meta.url);

/** Sample is one object of config/samples. */
export interface Sample {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Surroundings are what the demo has in place of github.com and AWS. */
export interface Surroundings {
  readonly namespace: string;
  readonly github: { readonly apiUrl: string; readonly appId: number };
  readonly ecs: EcsSurroundings;
}

/** EcsSurroundings is where ECS is, and what its tasks run where that is not what the samples say. */
export interface EcsSurroundings {
  readonly endpoint: string;
  readonly containers?: {
    readonly image: string;
    /** In place of all images that jobs can choose. */
    readonly otherImage: string;
    readonly command: readonly string[];
    readonly environment: readonly { readonly name: string; readonly value: string }[];
  };
}

/** readSamples reads config/samples. */
export function readSamples(): Sample[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) => parseAllDocuments(readFileSync(new URL(file, directory), "utf8")))
    .map((document) => document.toJS() as Sample);
}

/** regionOf is the AWS Region that the samples name: the simulated account is in the same. */
export function regionOf(samples: readonly Sample[]): string {
  const regions = new Set(samples.filter(({ kind }) => kind === "ECSRunnerClass").map(({ spec }) => String(spec["region"])));
  const [region, ...others] = regions;
  if (region === undefined || others.length > 0) throw new Error("the classes of config/samples should be in one Region");
  return region;
}

/** adapt points a sample at the simulators and changes nothing else of it, unless its tasks are real containers. */
export function adapt(sample: Sample, { namespace, github, ecs }: Surroundings): Sample {
  const metadata = { ...sample.metadata, namespace };
  switch (sample.kind) {
    case "GitHubApp":
      return { ...sample, metadata, spec: { ...sample.spec, ...github, access: accessFrom(sample, namespace) } };
    case "ECSRunnerClass":
      return { ...sample, metadata, spec: { ...sample.spec, ...classFrom(sample, ecs) } };
    default:
      return { ...sample, metadata };
  }
}

/** The App admits the samples' own namespace by name, so a namespace of the demo's own has to take its place. */
function accessFrom(sample: Sample, namespace: string): unknown {
  const access = sample.spec["access"] as { namespaces: string[] }[] | undefined;
  return access?.map((rule) => ({
    ...rule,
    namespaces: rule.namespaces.map((name) => (name === sample.metadata.namespace ? namespace : name)),
  }));
}

/** Containers on this machine need its images, and have no CloudWatch. */
function classFrom({ spec }: Sample, { endpoint, containers }: EcsSurroundings): Readonly<Record<string, unknown>> {
  if (containers === undefined) return { endpoint };
  const { image, otherImage, command, environment } = containers;
  const images = (spec["images"] ?? []) as readonly { readonly name: string }[];
  return {
    endpoint,
    image,
    images: images.map(({ name }) => ({ name, image: otherImage })),
    container: { command, environment },
  };
}
