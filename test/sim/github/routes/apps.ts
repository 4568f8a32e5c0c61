import { notFound } from "../errors.ts";
import { renderRepository, time } from "../render/account.ts";
import { renderApp, renderInstallation } from "../render/app.ts";
import { accessibleRepositories, issueToken, type NarrowToken } from "../state/tokens.ts";
import { type Handler, installationOn, page, param, repositoryOf, type RestCall, theApp, theToken } from "./call.ts";

function ownInstallation(call: RestCall) {
  const installation = call.world.installations.get(Number(param(call, "installation_id")));
  if (!installation || installation.app !== theApp(call)) throw notFound();
  return installation;
}

/** appRoutes: the App itself, its installations and their tokens. */
export const appRoutes: Readonly<Record<string, Handler>> = {
  "apps/get-authenticated": (call) => ({ status: 200, body: renderApp(call.world, theApp(call)) }),

  "apps/list-installations": (call) => {
    const app = theApp(call);
    const own = [...call.world.installations.values()].filter((installation) => installation.app === app);
    const { items, headers } = page(call, own);
    return { status: 200, headers, body: items.map((installation) => renderInstallation(call.world, installation)) };
  },

  "apps/get-installation": (call) => ({ status: 200, body: renderInstallation(call.world, ownInstallation(call)) }),

  "apps/get-repo-installation": (call) => {
    theApp(call);
    const repository = repositoryOf(call);
    const installation = installationOn(call, repository.owner);
    if (installation.repositorySelection === "selected" && !installation.repositories.has(repository.id)) throw notFound();
    return { status: 200, body: renderInstallation(call.world, installation) };
  },

  "apps/get-org-installation": (call) => {
    const account = call.world.accounts.get(param(call, "org").toLowerCase());
    const organization = account?.type === "Organization" ? account : undefined;
    return { status: 200, body: renderInstallation(call.world, installationOn(call, organization)) };
  },

  "apps/get-user-installation": (call) => {
    const account = call.world.accounts.get(param(call, "username").toLowerCase());
    return { status: 200, body: renderInstallation(call.world, installationOn(call, account)) };
  },

  "apps/create-installation-access-token": (call) => {
    theApp(call);
    const { caller, jwts, world } = call;
    const replayed = caller.kind === "app" && jwts.isReplay(caller.jwt, world.now());
    if (replayed && world.settings.refuseReplayedJwt) throw notFound();
    const narrow = (call.body ?? {}) as NarrowToken;
    const long = call.headers["x-github-stateless-s2s-token"] === "enabled";
    const token = issueToken(world, ownInstallation(call), narrow, long);
    return {
      status: 201,
      body: {
        token: token.value,
        expires_at: time(token.expiresAt),
        permissions: { ...token.permissions },
        repository_selection: token.repositories ? "selected" : token.installation.repositorySelection,
        ...(token.repositories && {
          repositories: accessibleRepositories(world, token).map((repository) => renderRepository(world, repository)),
        }),
      },
    };
  },

  "apps/revoke-installation-access-token": (call) => {
    theToken(call).revoked = true;
    return { status: 204 };
  },
};
