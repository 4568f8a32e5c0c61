import { describe, expect, it } from "vitest";
import { helpText, OptionsError, optionTable, parseOptions } from "./options.ts";

const env = { POD_NAMESPACE: "getabako" };

describe("options of getabako run", () => {
  it("have defaults that suit a pod", () => {
    const options = parseOptions([], { ...env, POD_NAME: "getabako-0" });
    expect(options).toMatchObject({
      namespace: "getabako",
      identity: "getabako-0",
      webhookPort: 8080,
      telemetryPort: 9090,
      leaderElection: true,
      logLevel: "info",
    });
    expect([...options.roles]).toEqual(["intake", "controller"]);
  });

  it("come from flags first, then from the environment", () => {
    const options = parseOptions(["--webhook-port=0", "--roles", "intake"], {
      ...env,
      GETABAKO_WEBHOOK_PORT: "1234",
      GETABAKO_WORKERS: "7",
    });
    expect(options).toMatchObject({ webhookPort: 0, workers: 7 });
    expect([...options.roles]).toEqual(["intake"]);
  });

  it("are not set by an empty variable, as templates leave it", () => {
    const empty = { ...env, GETABAKO_WEBHOOK_PORT: "", GETABAKO_LEASE_NAME: "" };
    expect(parseOptions([], empty)).toMatchObject({ webhookPort: 8080, leaseName: "getabako" });
  });

  it("give every process without a name of its own another identity", () => {
    expect(parseOptions([], env).identity).not.toBe(parseOptions([], env).identity);
  });

  it("report everything that is wrong at once", () => {
    const args = [
      "--webhook-port=70000",
      "--roles=intake,cook",
      "--colour=red",
      "now",
      "--aws-rate-factor=0.5",
      "--log-level=loud",
      "--leader-election=maybe",
    ];
    const problems = [
      "--colour is not an option of getabako run",
      '"now" is not understood; options begin with --',
      '--roles: "cook" is not one of intake, controller',
      '--leader-election: "maybe" is neither true nor false',
      '--log-level: "loud" is not one of trace, debug, info, warn, error',
      "--namespace: not set; name the namespace in which the Lease lives",
      '--webhook-port: "70000" is not a whole number from 0 to 65535',
      '--aws-rate-factor: "0.5" is not a whole number from 1 to 100',
    ];
    expect(() => parseOptions(args, {})).toThrow(new OptionsError(problems));
  });

  it("take one watched namespace, or several", () => {
    expect(parseOptions([], env).watchNamespaces).toBeUndefined();
    expect(parseOptions(["--watch-namespace=ci"], env).watchNamespaces).toEqual(["ci"]);
    const several = { ...env, GETABAKO_WATCH_NAMESPACE: "team-b, team-a,team-b," };
    expect(parseOptions([], several).watchNamespaces).toEqual(["team-a", "team-b"]);
    expect(() => parseOptions(["--watch-namespace=Team A"], env)).toThrow(/"Team A" is not a name that a namespace can have/);
  });

  it("are all in the help", () => {
    for (const { flag, env: variable } of optionTable) {
      expect(helpText()).toContain(`--${flag}`);
      expect(helpText()).toContain(variable);
    }
  });
});
