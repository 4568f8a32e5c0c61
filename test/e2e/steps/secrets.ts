import { listedKinds } from "../kube.ts";
import { teamNamespace, webhookSecretName } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";

/** findNoSecret searches everything that the story has produced so far for every secret that there was. */
export async function findNoSecret(stage: Stage, detail: Detail): Promise<void> {
  const { cluster, github, podLogs, release } = stage;
  const secrets = stage.secrets();
  if (secrets.length < 20) throw new Error(`only ${secrets.length} secrets were ever handed out: nothing to look for`);
  const places = new Map<string, string>([...podLogs.read()].map(([pod, text]) => [`log of ${pod}`, text]));
  const lines = [...places.values()].join("").split("\n").length;
  if (places.size < 4 || lines < 100)
    throw new Error(`only ${lines} lines of ${places.size} pods were logged: nothing to search`);
  // Secrets hold secrets; all other kinds, events included, must not.
  const kinds = (await listedKinds(stage, true)).filter((kind) => kind !== "secrets");
  for (const namespace of [release.namespace, teamNamespace]) {
    places.set(`objects of ${namespace}`, await cluster.kubectl(["get", kinds.join(","), "-n", namespace, "-o", "yaml"]));
  }
  for (const delivery of github.webhooks.log.list()) places.set(`answer to webhook ${delivery.id}`, delivery.responseBody);
  const search = (place: string, text: string): string[] =>
    secrets.flatMap((secret, index) =>
      pieces(secret).some((piece) => text.includes(piece)) ? [`secret ${index} in the ${place}`] : [],
    );
  // The search has to find what is there.
  const holders = ["secret", "github-app", webhookSecretName];
  const secret = await cluster.kubectl(["get", ...holders, "-n", teamNamespace, "-o", "yaml"]);
  if (search("Secret itself", secret).length < 2)
    throw new Error("the search does not even find the App's secrets in their Secrets");
  const found = [...places].flatMap(([place, text]) => search(place, text));
  if (found.length > 0) throw new Error(found.join("\n"));
  detail(`${secrets.length} secrets, ${places.size} places, ${lines} lines of log`);
}

/** Keys are looked for line by line, for quoted in JSON their line breaks look different; and everything as Secrets hold it. */
function pieces(secret: string): string[] {
  const lines = secret.split("\n").filter((line) => line.length >= 16 && !line.startsWith("-----"));
  return [...lines, Buffer.from(secret).toString("base64")];
}
