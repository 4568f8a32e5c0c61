import { describeProviderContract } from "./contract.ts";
import { type ContractOptions, contractVariable } from "./contract/options.ts";
import { describeDelivery } from "./contract/delivery.ts";
import { detectEmulator } from "./contract/emulators.ts";
import { endpointSubject, preparedSpec } from "./contract/endpoint-subject.ts";

// Run by run-contract.ts only: the name keeps it out of the other projects.
const text = process.env[contractVariable];
if (text === undefined) throw new Error("start this suite with: npm run test:contract -- --endpoint URL");
const options = JSON.parse(text) as ContractOptions & { readonly endpoint: string };
const emulator = await detectEmulator(options.endpoint);

describeProviderContract(
  `ecs at ${options.endpoint} (${emulator.name})`,
  () => endpointSubject(options, emulator.name),
  emulator.excuses,
);

// These two have an S3 at the same address.
if (emulator.name === "moto" || emulator.name === "ministack") {
  describeDelivery(options.endpoint, () => preparedSpec(options, emulator.name));
}
