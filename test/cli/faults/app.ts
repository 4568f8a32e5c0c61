import { generateKeyPairSync } from "node:crypto";
import { paths } from "../places.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

const app = /^githubapp\/getabako\/acme$/;
const minute = 60_000;
const otherKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

const onSecret = (key: string, text: string) => (stage: Stage) =>
  stage.edit(paths.secret, (draft) => Object.assign(draft.data, { [key]: Buffer.from(text).toString("base64") }));

/** What GitHub has of the App, changed for a while. */
function onApp(change: (app: Stage["github"]["app"]) => void) {
  return (stage: Stage): void => {
    const { github } = stage;
    const { permissions, events, hook } = github.app;
    const [receivers, secret] = [hook.receivers, hook.secret];
    stage.later(() => {
      Object.assign(github.app, { permissions, events });
      Object.assign(hook, { receivers, secret });
    });
    change(github.app);
  };
}

function onInstallation(change: (github: Stage["github"]) => () => void) {
  return (stage: Stage): void => stage.later(change(stage.github));
}

function installation(github: Stage["github"]) {
  const [first] = github.world.installations.values();
  if (first === undefined) throw new Error("the App is installed nowhere");
  return first;
}

/** appFaults: what may be wrong with a GitHubApp, at GitHub and in Kubernetes. */
export const appFaults: readonly Fault[] = [
  {
    title: "The App's Secret does not exist",
    plant: (stage) => stage.remove(paths.secret),
    finds: {
      verdict: "FAIL",
      object: app,
      check: "secrets",
      says: /Secret getabako\/github-app does not exist/,
      advises: /create it with the keys private-key\.pem, webhook-secret/,
    },
  },
  {
    title: "The Secret has no such key",
    plant: (stage) => stage.edit(paths.app, (draft) => void (draft.spec.privateKeySecretRef.key = "key.pem")),
    finds: { verdict: "FAIL", object: app, check: "secrets", says: /has no key key\.pem/, advises: /correct the GitHubApp/ },
  },
  {
    title: "The operator may not read the Secret",
    plant: (stage) => stage.edit(paths.secretRole, (draft) => void (draft.rules = [])),
    finds: {
      verdict: "FAIL",
      object: app,
      check: "secret rights",
      says: /may not: list secrets github-app/,
      advises: /secrets\.names/,
    },
  },
  {
    title: "The private key is cut short",
    plant: onSecret("private-key.pem", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\n"),
    finds: { verdict: "FAIL", object: app, check: "key", says: /does not parse/, advises: /store the downloaded \.pem/ },
  },
  {
    title: "The private key was encoded twice",
    plant: (stage) =>
      onSecret("private-key.pem", Buffer.from(stage.github.app.keys[0]?.privateKey ?? "").toString("base64"))(stage),
    finds: { verdict: "FAIL", object: app, check: "key", says: /base64 once too often/, advises: /stringData/ },
  },
  {
    title: "The private key is another App's, or was revoked",
    plant: onSecret("private-key.pem", otherKey.export({ type: "pkcs1", format: "pem" }).toString()),
    finds: {
      verdict: "FAIL",
      object: app,
      check: "sign-in",
      says: /refuses the App's key/,
      advises: /appId and private key belong together/,
    },
  },
  {
    title: "appId is wrong",
    plant: (stage) => stage.edit(paths.app, (draft) => void (draft.spec.appId = 999_999)),
    finds: {
      verdict: "FAIL",
      object: app,
      check: "sign-in",
      says: /refuses the App's key|knows no App/,
      advises: /App ID|appId/,
    },
  },
  {
    title: "The clock is wrong",
    plant: (stage) => {
      stage.github.skew(5 * minute);
      stage.later(() => stage.github.skew(0));
    },
    finds: { verdict: "WARN", object: app, check: "clock", says: /clock is (4m59s|5m).* behind GitHub's/, advises: /NTP/ },
  },
  {
    title: "The App may not read Actions",
    plant: onApp((github) => void (github.permissions = { metadata: "read", organization_self_hosted_runners: "write" })),
    finds: { verdict: "FAIL", object: app, check: "permissions", says: /may not read Actions/, advises: /Actions: Read-only/ },
  },
  {
    title: "The App may not register runners",
    plant: onApp((github) => void (github.permissions = { metadata: "read", actions: "read" })),
    finds: {
      verdict: "FAIL",
      object: app,
      check: "permissions",
      says: /may not register runners/,
      advises: /Self-hosted runners: Read and write/,
    },
  },
  {
    title: "The App is not subscribed to Workflow job",
    plant: onApp((github) => void (github.events = ["push"])),
    finds: { verdict: "FAIL", object: app, check: "permissions", says: /not told of jobs/, advises: /Workflow job/ },
  },
  {
    title: "The App is installed nowhere",
    plant: onInstallation((github) => {
      github.uninstall(installation(github));
      return () => void github.install("acme");
    }),
    finds: { verdict: "FAIL", object: app, check: "installations", says: /installed nowhere/, advises: /install GitHub App/ },
  },
  {
    title: "The installation is suspended",
    plant: onInstallation((github) => {
      github.suspend(installation(github));
      return () => github.suspend(installation(github), false);
    }),
    finds: { verdict: "FAIL", object: app, check: "installations", says: /in acme is suspended/, advises: /unsuspend/ },
  },
  {
    title: "The owner has not accepted the App's new permissions",
    plant: onInstallation((github) => {
      const own = installation(github);
      const { permissions } = own;
      own.permissions = { metadata: "read", actions: "read" };
      return () => void (own.permissions = permissions);
    }),
    finds: { verdict: "FAIL", object: app, check: "installations", says: /in acme may not register runners/, advises: /accept/ },
  },
  {
    title: "The App has no webhook URL",
    plant: onApp(({ hook }) => void (hook.receivers = [])),
    finds: { verdict: "FAIL", object: app, check: "webhook", says: /no webhook URL/, advises: /tick Active/ },
  },
  {
    title: "The webhook goes to the wrong path",
    plant: onApp(({ hook }) => void (hook.receivers = hook.receivers.map((url) => url.replace("/webhook", "/")))),
    finds: { verdict: "FAIL", object: app, check: "webhook", says: /answers at \/webhook only/, advises: /end the webhook URL/ },
  },
  {
    title: "The webhook has no secret",
    plant: onApp(({ hook }) => void (hook.secret = undefined)),
    finds: { verdict: "FAIL", object: app, check: "webhook", says: /no secret/, advises: /webhookSecretRefs/ },
  },
  {
    title: "Nobody answers at the webhook's address",
    plant: onApp(({ hook }) => void (hook.receivers = ["http://127.0.0.1:1/webhook"])),
    finds: {
      verdict: "WARN",
      object: app,
      check: "webhook",
      says: /nobody answers .*ECONNREFUSED/,
      advises: /Ingress and firewall/,
    },
  },
  {
    title: "The webhook secret is another one: deliveries are refused",
    plant: async (stage) => {
      stage.receiving.status = 401;
      stage.later(async () => {
        stage.receiving.status = 202;
        await redeliverAll(stage);
      });
      await stage.deliver();
    },
    finds: { verdict: "FAIL", object: app, check: "deliveries", says: /failed with 401/, advises: /webhook secret .*the same/ },
  },
  {
    title: "The Ingress has no operator behind it: deliveries fail",
    plant: async (stage) => {
      stage.receiving.status = 503;
      stage.later(async () => {
        stage.receiving.status = 202;
        await redeliverAll(stage);
      });
      await stage.deliver();
    },
    finds: { verdict: "FAIL", object: app, check: "deliveries", says: /failed with 503/, advises: /operator's log/ },
  },
  {
    title: "GitHub's rate limit is used up",
    plant: (stage) => {
      const nextHour = new Date(Date.now() + 3_000_000).toISOString().replace(/\.\d+Z/, "Z");
      return stage.edit(
        paths.app,
        (draft) =>
          void (draft.status.rateLimit = { actions_runner_registration: { limit: 10_000, remaining: 0, resetAt: nextHour } }),
      );
    },
    finds: {
      verdict: "FAIL",
      object: app,
      check: "rate limit",
      says: /nothing is left of the limit actions_runner_registration/,
      advises: /wait until/,
    },
  },
  {
    title: "GitHub does not answer",
    plant: (stage) => {
      stage.github.faults.add({ path: /^\/app$/, times: 1_000, kind: "status", status: 503 });
      stage.later(() => stage.github.faults.clear());
    },
    finds: {
      verdict: "FAIL",
      object: app,
      check: "sign-in",
      says: /failed to read the App \(503\)/,
      advises: /githubstatus\.com/,
    },
  },
];

/** Failed deliveries arrive in the end, as the operator's own sweep has it. */
async function redeliverAll({ github }: Stage): Promise<void> {
  const arrived = new Set(
    github.webhooks.log
      .list()
      .filter(({ status }) => status === "OK")
      .map(({ event }) => event.guid),
  );
  for (const delivery of github.webhooks.log.list()) if (!arrived.has(delivery.event.guid)) github.webhooks.redeliver(delivery);
  await github.webhooks.settled();
}
