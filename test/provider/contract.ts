import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bench, type OpenBench } from "./contract/bench.ts";
import { describeClass } from "./contract/class.ts";
import { describeContainers } from "./contract/containers.ts";
import { describeCreate } from "./contract/create.ts";
import { describeFaults } from "./contract/faults.ts";
import { describeLadder } from "./contract/ladder.ts";
import { describeLifecycle } from "./contract/lifecycle.ts";
import { describeList } from "./contract/list.ts";
import { describeResolve } from "./contract/resolve.ts";
import { describeShapes } from "./contract/shapes.ts";
import type { ContractSubject } from "./contract/subject.ts";

/** Excuses say, by a case's title, why a backend cannot pass it through no fault of the provider. */
export type Excuses = Readonly<Record<string, string>>;

/** describeProviderContract runs the contract of src/provider/types.ts, sentence by sentence, against one provider and backend. */
export function describeProviderContract(name: string, setup: () => Promise<ContractSubject>, excuses: Excuses = {}): void {
  describe(`provider contract: ${name}`, () => {
    let subject: ContractSubject;
    beforeAll(async () => {
      subject = await setup();
    });
    afterAll(async () => {
      await subject?.close();
    });

    const open: OpenBench = (context, ...needs) => {
      const excuse = excuses[context.task.name];
      if (excuse !== undefined) context.skip(excuse);
      const lacking = needs.filter((need) => subject.control[need] === undefined);
      if (lacking.length > 0) context.skip(`this backend cannot be told to ${lacking.join(", ")}`);
      return new Bench(subject);
    };
    describeCreate(open);
    describeLadder(open);
    describeLifecycle(open);
    describeList(open);
    describeClass(open);
    describeResolve(open);
    describeShapes(open);
    describeContainers(open);
    describeFaults(open);

    test("every excuse names a case", ({ task }) => {
      const titles = task.suite?.tasks.map((each) => each.name);
      expect(Object.keys(excuses).filter((title) => titles?.includes(title) !== true)).toEqual([]);
    });
  });
}
