import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readUpstream } from "./upstream.ts";

function kubeconfig(user: object, cluster: object = {}): string {
  return stringify({
    "current-context": "b",
    contexts: [
      { name: "a", context: { cluster: "other", user: "other" } },
      { name: "b", context: { cluster: "mine", user: "me" } },
    ],
    clusters: [
      { name: "other", cluster: { server: "https://other" } },
      { name: "mine", cluster: { server: "https://127.0.0.1:6443", ...cluster } },
    ],
    users: [{ name: "me", user }],
  });
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("readUpstream", () => {
  it("reads the current context's server, authority and token", () => {
    const upstream = readUpstream(kubeconfig({ token: "t" }, { "certificate-authority-data": base64("CA") }));
    expect(upstream).toEqual({
      server: "https://127.0.0.1:6443",
      host: "127.0.0.1:6443",
      token: "t",
      tls: { ca: Buffer.from("CA") },
    });
  });

  it("reads a client certificate", () => {
    const upstream = readUpstream(kubeconfig({ "client-certificate-data": base64("C"), "client-key-data": base64("K") }));
    expect(upstream.tls).toEqual({ cert: Buffer.from("C"), key: Buffer.from("K") });
    expect(upstream.token).toBeUndefined();
  });

  it.each([
    ["a user that only a plugin can admit", kubeconfig({ exec: { command: "aws" } }), /token or a client certificate/],
    [
      "a context that is not there",
      stringify({ "current-context": "x", contexts: [], clusters: [], users: [] }),
      /names no server/,
    ],
  ])("refuses %s", (_, text, message) => {
    expect(() => readUpstream(text)).toThrow(message);
  });
});
