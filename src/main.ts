#!/usr/bin/env node
import { runCommand } from "./cli/commands.ts";
import { processOutput } from "./cli/output.ts";
import { programName } from "./cli/program-name.ts";
import { serve } from "./cli/serve.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  program: programName(process.argv[1], process.env),
  output: processOutput(),
  env: process.env,
  serve,
});
