import { describe, expect, it } from "vitest";
import { chooseNode, type Survey } from "./choose-node.ts";

const absent = "is not installed";

function survey(partial: Partial<Survey> = {}): Survey {
  return {
    platform: "linux",
    isRoot: true,
    hasGo: true,
    ...partial,
    engineProblem: { docker: absent, nerdctl: absent, podman: absent, ...partial.engineProblem },
  };
}

const running = (...names: string[]): Survey["engineProblem"] => ({
  docker: names.includes("docker") ? undefined : "is installed, but does not run",
  nerdctl: names.includes("nerdctl") ? undefined : absent,
  podman: names.includes("podman") ? undefined : absent,
});

describe("chooseNode", () => {
  it.each([
    ["docker runs and kind is there", survey({ engineProblem: running("docker"), kind: "/bin/kind" }), "kind docker"],
    ["docker's client is installed without a server", survey({ engineProblem: running(), kind: "/bin/kind" }), "own"],
    ["podman runs and docker does not", survey({ engineProblem: running("podman"), kind: "/bin/kind" }), "kind podman"],
    [
      "both run and podman is wanted",
      survey({ engineProblem: running("docker", "podman"), wantedEngine: "podman" }),
      "kind podman",
    ],
    ["kind has to be installed with Go first", survey({ engineProblem: running("docker") }), "kind docker"],
    ["there is neither kind nor Go", survey({ engineProblem: running("docker"), hasGo: false }), "own"],
    ["nothing is installed", survey(), "own"],
  ])("when %s takes the right way", (_, machine, expected) => {
    const choice = chooseNode(machine);
    expect(choice.way === "kind" ? `kind ${choice.engine}` : choice.way).toBe(expected);
  });

  it("says about each engine why it was not taken", () => {
    expect(chooseNode(survey({ engineProblem: running() })).passedOver).toEqual([
      "kind: no container engine answers (docker is installed, but does not run; nerdctl is not installed; podman is not installed)",
    ]);
  });

  it.each([
    ["a Mac without an engine", survey({ platform: "darwin" }), /start Docker or Podman/],
    ["a plain user without an engine", survey({ isRoot: false }), /needs root/],
  ])("tells %s what to do", (_, machine, advice) => {
    expect(() => chooseNode(machine)).toThrow(advice);
  });
});
