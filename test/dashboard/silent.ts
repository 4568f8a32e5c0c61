/** rightlySilent says why a panel, or one of its queries, shows nothing in the scene; by the panel's title and the query's refId. */
export const rightlySilent: Readonly<Record<string, string>> = {
  "Caught by the nets B": "nothing was left behind that the sweeps of instances and registrations would have to remove",
  "Calls to GitHub B": "the scene stays below all limits of GitHub",
  "Calls to AWS, and refusals C": "calls that stand in line are told to come back only where many do, as in npm run burst",
  "Connections B": "nobody keeps connections open or sends half a request in the scene",
  "Days left to runners that lack a release A": "the scene's runners are of the release that its GitHub offers",
  "Passes that failed": "no pass failed",
  "Work that waits for a worker": "workers are faster than the scene, unless its machine is slow",
};
