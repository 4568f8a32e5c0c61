/** LauncherSettings is all that the do-nothing launcher knows; it gets them as JSON in the variable LAUNCHER_SETTINGS. */
export interface LauncherSettings {
  readonly githubUrl: string;
  readonly ecsUrl: string;
  readonly region: string;
  readonly cluster: string;
  readonly taskDefinition: string;
  /** Installation tokens by organization. */
  readonly tokens: Readonly<Record<string, string>>;
}
