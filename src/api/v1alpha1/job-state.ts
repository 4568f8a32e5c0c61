/** jobStates in order; a job never goes back. */
export const jobStates = ["Queued", "InProgress", "Completed"] as const;
export type JobState = (typeof jobStates)[number];
