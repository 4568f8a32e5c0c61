import { describeProviderContract } from "./contract.ts";
import { type ContractOptions, contractVariable } from "./contract/options.ts";
import { detectEmulator } from "./contract/emulators.ts";
import { endpointSubject } from "./contract/endpoint-subject.ts";

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
