// Run by `helm test` in the operator's image: whether the kinds are served, the release is ready, and its Service leads to the webhook.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

const { APP_ID = "0", KINDS_URL, READY_URL, TOKEN_FILE, WEBHOOK_URL, WAIT_SECONDS = "60" } = process.env;
const kinds = ["githubapps", "ecsrunnerclasses", "runnertargets", "runnerrequests"];
const soon = () => AbortSignal.timeout(5_000);

/** What a stranger sends: all that GitHub's deliveries have, signed with a secret that is none of ours. */
const forged = (method, body = "{}") => ({
  method,
  headers: {
    "content-type": "application/json",
    "x-github-event": "workflow_job",
    "x-github-delivery": "00000000-0000-0000-0000-000000000000",
    "x-github-hook-installation-target-id": APP_ID,
    "x-github-hook-installation-target-type": "integration",
    "x-hub-signature-256": `sha256=${createHmac("sha256", "not the secret").update(body).digest("hex")}`,
  },
  ...(method === "POST" && { body }),
  signal: soon(),
});

const checks = [
  {
    what: `GET ${KINDS_URL}`,
    ask: () => fetch(KINDS_URL, { headers: { authorization: `Bearer ${readFileSync(TOKEN_FILE, "utf8").trim()}` }, signal: soon() }),
    good: [200],
    judge: (body) => {
      const served = JSON.parse(body).resources.map(({ name }) => name);
      const missing = kinds.filter((kind) => !served.includes(kind));
      return missing.length === 0 ? undefined : `without ${missing.join(", ")}: the CRDs are not those of this release`;
    },
    show: () => kinds.join(", "),
  },
  { what: `GET ${READY_URL}`, ask: () => fetch(READY_URL, { signal: soon() }), good: [200] },
  {
    what: `POST ${WEBHOOK_URL} with a bad signature`,
    ask: () => fetch(WEBHOOK_URL, forged("POST")),
    // 404 where no GitHubApp has that id, 401 where one does: either way getabako answered, and took nothing from a stranger.
    good: APP_ID === "0" ? [401, 404] : [401],
  },
  { what: `GET ${WEBHOOK_URL}`, ask: () => fetch(WEBHOOK_URL, forged("GET")), good: [405] },
];

// A release that was installed without --wait may still be starting.
const deadline = Date.now() + Number(WAIT_SECONDS) * 1_000;
for (const { what, ask, good, judge, show } of checks) {
  for (;;) {
    let seen;
    try {
      const answer = await ask();
      const body = (await answer.text()).trim();
      const fault = good.includes(answer.status) ? judge?.(body) : `${answer.status} ${body}`;
      if (fault === undefined) {
        console.log(`ok: ${what} answered ${answer.status} ${show?.() ?? body}`);
        break;
      }
      seen = fault;
    } catch (error) {
      seen = error.cause?.message ?? error.message;
    }
    if (Date.now() > deadline) {
      console.error(`failed: ${what} gave "${seen}", expected ${good.join(" or ")}`);
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
