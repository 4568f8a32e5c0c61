import { isIP } from "node:net";
import { Agent, request } from "undici";
import type { DeliveryRecord, HookConfig } from "../../github/types.ts";
import { formatDuration } from "../../util/duration.ts";
import { type AppSubject, githubOf } from "./app-subject.ts";
import { type Check, fail, ok, orOk, type Outcome, warn } from "./check.ts";

/** webhookChecks are about what GitHub sends, and whether it arrives. */
export const webhookChecks: readonly Check<AppSubject>[] = [
  { name: "webhook", needs: ["sign-in"], run: webhookOutcomes },
  { name: "deliveries", needs: ["sign-in"], run: deliveryOutcomes },
];

const path = "/webhook";

async function webhookOutcomes(subject: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const config = await githubOf(subject).getHookConfig(signal);
  const wrong = configOutcomes(config, subject.app.spec, subject.info?.slug ?? "");
  const { url } = config;
  if (url === undefined || wrong.some(({ verdict }) => verdict === "FAIL")) return wrong;
  return [...orOk(wrong, `GitHub sends webhooks to ${url}, signed`), ...(await probe(url, signal))];
}

/** Address is where a GitHubApp says that GitHub is. */
interface Address {
  readonly url: string;
  readonly apiUrl?: string;
}

/** configOutcomes judge the settings of an App's webhook by themselves. */
export function configOutcomes(config: HookConfig, github: Address, slug: string): readonly Outcome[] {
  const settings = `in the settings of GitHub App ${slug}`;
  if (config.url === undefined || !URL.canParse(config.url))
    return [fail("the App has no webhook URL", `enter https://HOST${path} ${settings}, and tick Active`)];
  const { protocol, hostname, pathname } = new URL(config.url);
  const found: Outcome[] = [];
  const isPublic = isPublicGitHub(github);
  if (isPublic && isInside(hostname))
    found.push(
      fail(
        `the webhook goes to ${hostname}, which GitHub cannot reach`,
        `enter the address of the operator's Ingress ${settings}`,
      ),
    );
  else if (isPublic && protocol !== "https:")
    found.push(warn("the webhook is not encrypted", `enter an address with https:// ${settings}`));
  if (!pathname.endsWith(path))
    found.push(
      fail(
        `the webhook goes to the path ${pathname}, and the operator answers at ${path} only`,
        `end the webhook URL in ${path} ${settings}`,
      ),
    );
  if (!config.hasSecret)
    found.push(
      fail("the webhook has no secret, so its deliveries are refused", `enter the one that webhookSecretRefs names ${settings}`),
    );
  if (config.contentType !== undefined && config.contentType !== "json")
    found.push(fail(`the webhook is sent as ${config.contentType}`, `choose the content type application/json ${settings}`));
  if (!config.verifiesTls)
    found.push(warn("GitHub does not verify the webhook's certificate", `enable SSL verification ${settings}`));
  return found;
}

/** probe asks whether anybody answers there. From here, which is not from where GitHub asks. */
async function probe(url: string, signal: AbortSignal): Promise<readonly Outcome[]> {
  const agent = new Agent({ connect: { timeout: 5_000 } });
  try {
    // GET: the operator answers 405 to that, and nobody takes it for a delivery.
    const { statusCode, body } = await request(url, { method: "GET", dispatcher: agent, signal });
    await body.dump({ limit: 64 << 10 });
    if (statusCode === 405) return [ok("the operator answers at that address, seen from here")];
    const advice = "see that the Ingress leads the path to the operator's Service, and that no login is asked for";
    if (statusCode >= 500)
      return [
        warn(`that address answers ${statusCode}, seen from here`, "see that the operator runs and its Service has endpoints"),
      ];
    return [warn(`something else than the operator answers at that address (${statusCode}), seen from here`, advice)];
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const code = (error as NodeJS.ErrnoException).code ?? "no answer";
    return [
      warn(
        `nobody answers at that address, seen from here (${code})`,
        "check its DNS name, Ingress and firewall; if only GitHub can reach it, look at the deliveries instead",
      ),
    ];
  } finally {
    await agent.destroy();
  }
}

async function deliveryOutcomes(subject: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { deliveries } = await githubOf(subject).listDeliveries({}, signal);
  return judgeDeliveries(deliveries, subject.context.clock.now());
}

/** Older ones tell of times that are over. */
const recentMs = 24 * 3_600_000;

/** judgeDeliveries judges the newest page of an App's deliveries: an event that arrived at last has not failed. */
export function judgeDeliveries(deliveries: readonly DeliveryRecord[], nowMs: number): readonly Outcome[] {
  const [newest] = deliveries;
  if (newest === undefined)
    return [warn("GitHub has sent no webhook in the last days", "tick Active at the App's webhook; if no job ran, start one")];
  const arrived = new Set(deliveries.filter(({ succeeded }) => succeeded).map(({ guid }) => guid));
  const failed = deliveries.filter(
    ({ succeeded, guid, deliveredAt }) => !succeeded && !arrived.has(guid) && nowMs - Date.parse(deliveredAt) < recentMs,
  );
  const age = formatDuration(Math.max(nowMs - Date.parse(newest.deliveredAt), 0));
  if (failed.length === 0) return [ok(`the newest delivery arrived ${age} ago, and none was lost in the last day`)];
  const statuses = Map.groupBy(failed, ({ statusCode }) => statusCode);
  return [...statuses].map(([status, some]) => {
    const times = some.length === 1 ? "a delivery" : `${some.length} deliveries`;
    const message = `${times} of the last day failed ${status === 0 ? "without an answer" : `with ${status}`}`;
    const advice = adviceFor(status);
    return arrived.has(newest.guid)
      ? warn(message, `${advice}; the newest one arrived, and the operator has lost ones sent again`)
      : fail(message, advice);
  });
}

function adviceFor(status: number): string {
  if (status === 0 || status === 502 || status === 504)
    return "see that GitHub reaches the address: DNS, TLS certificate, firewall, Ingress";
  if (status === 401) return "make the App's webhook secret and that of webhookSecretRefs the same";
  if (status === 403) return "let GitHub's addresses (api.github.com/meta, hooks) through the firewall or the WAF";
  if (status === 404) return "check the path of the webhook URL, and that a GitHubApp with this appId is there";
  if (status === 413) return "let the Ingress take bodies of 25 MB (nginx: proxy-body-size)";
  if (status === 415 || status === 400) return "choose the content type application/json at the App's webhook";
  if (status >= 300 && status < 400) return "GitHub follows no redirects: enter the final address";
  return "read the operator's log; 503 means that the API server did not store the request";
}

/**
 * Whether a GitHub is out in the internet; an Enterprise Server may be in the same network as the operator, and so is whatever answers at
 * an `apiUrl` of that network.
 */
function isPublicGitHub({ url, apiUrl }: Address): boolean {
  if (apiUrl !== undefined && URL.canParse(apiUrl) && isInside(new URL(apiUrl).hostname)) return false;
  const host = URL.canParse(url) ? new URL(url).hostname : "";
  return host === "github.com" || host === "www.github.com" || host.endsWith(".ghe.com");
}

function isInside(hostname: string): boolean {
  if (hostname === "localhost" || !hostname.includes(".") || /\.(local|internal|localhost|svc)$/.test(hostname)) return true;
  return isIP(hostname) === 4 && /^(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\./.test(hostname);
}
