import { FakeProvider } from "../../src/provider/fake/provider.ts";
import { InstrumentedProvider, ProviderMetrics } from "../../src/provider/instrumented.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { describeProviderContract } from "./contract.ts";
import { shapeChoices } from "./contract/shape-class.ts";
import type { ContractSubject } from "./contract/subject.ts";
import { ecsClass } from "./ecs-class.ts";

function subject(wrap: boolean): ContractSubject {
  const fake = new FakeProvider();
  return {
    provider: wrap ? new InstrumentedProvider(fake, new ProviderMetrics(new Registry())) : fake,
    cls: ecsClass(shapeChoices()),
    rungs: ["spot", "on-demand"],
    control: {
      run: (id) => void fake.advance(id, "Running"),
      exit: (id, code) => void fake.exit(id, code),
      interrupt: (id) => void fake.interrupt(id),
      forget: (id) => fake.forget(id),
      refuse: (rung) => fake.refuse(rung),
      accept: (rung) => fake.accept(rung),
      loseAnswer: () => fake.loseNextAnswer(),
      countLive: (requestUid) => fake.live().filter((instance) => instance.requestUid === requestUid).length,
    },
    close: async () => {},
  };
}

describeProviderContract("fake", async () => subject(false));
describeProviderContract("fake, instrumented", async () => subject(true));
