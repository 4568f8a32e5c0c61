import { describe, expect, it } from "vitest";
import { apiUrl } from "./api-url.ts";

describe("apiUrl", () => {
  it.each([
    ["https://github.com", "https://api.github.com"],
    ["https://github.com/", "https://api.github.com"],
    ["https://GitHub.COM", "https://api.github.com"],
    ["https://www.github.com//", "https://api.github.com"],
    ["http://github.com", "https://api.github.com"],
    ["https://acme.ghe.com", "https://api.acme.ghe.com"],
    ["https://Acme.GHE.com/", "https://api.acme.ghe.com"],
    ["https://github.acme.example", "https://github.acme.example/api/v3"],
    ["https://github.acme.example/", "https://github.acme.example/api/v3"],
    ["http://ghes.local:8080", "http://ghes.local:8080/api/v3"],
    ["https://notgithub.com", "https://notgithub.com/api/v3"],
    ["https://github.com.acme.example", "https://github.com.acme.example/api/v3"],
    ["https://ghe.com.acme.example", "https://ghe.com.acme.example/api/v3"],
  ])("derives from %s the base %s", (webUrl, expected) => {
    expect(apiUrl(webUrl)).toBe(expected);
  });

  it("takes an override as it is, without its trailing slashes", () => {
    expect(apiUrl("https://github.com", "http://127.0.0.1:9999/github/")).toBe("http://127.0.0.1:9999/github");
    expect(apiUrl("https://github.com", "http://127.0.0.1:9999")).toBe("http://127.0.0.1:9999");
  });

  it.each([
    ["", /not an address/],
    ["github.com", /not an address/],
    ["ftp://github.com", /not an address/],
    ["https://api.github.com", /address of the API/],
    ["https://api.acme.ghe.com", /address of the API/],
    ["https://github.acme.example/api/v3", /address of the API/],
    ["https://github.com/acme", /has a path/],
    ["https://github.com/?tab=1", /query/],
  ])("refuses %j and says why", (webUrl, problem) => {
    expect(() => apiUrl(webUrl)).toThrow(problem);
  });

  it("does not repeat a password that somebody wrote into the address", () => {
    expect(() => apiUrl("https://bot:hunter2@github.com")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });
});
