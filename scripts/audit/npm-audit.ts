import { tryCommand } from "../../test/cluster/run-command.ts";

/** Severity is a word of GitHub's advisory database. */
export type Severity = "info" | "low" | "moderate" | "high" | "critical";

/** Advisory is what is known against a package of the lockfile. */
export interface Advisory {
  /** GHSA-xxxx-xxxx-xxxx */
  readonly id: string;
  readonly package: string;
  readonly severity: Severity;
  readonly title: string;
  readonly url: string;
  /** Which versions it is about. */
  readonly range: string;
  /** Where the lockfile installs them: node_modules/a. */
  readonly directories: readonly string[];
}

/** NotReached says that the registry gave no answer, which is not a good one. */
export class NotReached extends Error {}

interface Report {
  readonly auditReportVersion?: number;
  readonly vulnerabilities?: Readonly<Record<string, Vulnerability>>;
  readonly message?: string;
}

interface Vulnerability {
  readonly name: string;
  readonly nodes: readonly string[];
  /** A name is a dependency that has the advisory. */
  readonly via: readonly (string | Via)[];
}

interface Via {
  readonly title: string;
  readonly url: string;
  readonly severity: Severity;
  readonly range: string;
}

/** npmAudit asks the registry, through npm, what is known against the packages of a lockfile. */
export async function npmAudit(root: string, env: NodeJS.ProcessEnv = process.env): Promise<Advisory[]> {
  const patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"];
  const { stdout, stderr } = await tryCommand("npm", ["audit", "--json", ...patience], { cwd: root, env, timeoutMs: 300_000 });
  const report = parsed(stdout);
  // npm ends with 1 for both, advisories and no answer; only an answer has a report in it.
  if (report?.auditReportVersion !== 2) {
    throw new NotReached(report?.message ?? /^npm error (.+)$/m.exec(stderr)?.[1] ?? "npm audit gave no report");
  }
  return Object.values(report.vulnerabilities ?? {}).flatMap(({ name, nodes, via }) =>
    via
      .filter((each) => typeof each !== "string")
      .map(({ title, url, severity, range }) => ({
        id: url.split("/").at(-1) ?? url,
        package: name,
        severity,
        title,
        url,
        range,
        directories: nodes,
      })),
  );
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}
