/** jitConfigVariable is where the runner looks for its JIT configuration; it removes the variable before a job begins. */
export const jitConfigVariable = "ACTIONS_RUNNER_INPUT_JITCONFIG";
