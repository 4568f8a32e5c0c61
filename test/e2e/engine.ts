/** Engine runs the containers of the tasks; the ECS emulator drives it through Docker's API. */
export interface Engine {
  readonly name: "docker" | "podman";
  /** The value of DOCKER_HOST for the emulator. */
  readonly dockerHost: string;
  /** Takes over the image of a docker-archive. */
  load(image: { readonly name: string; readonly archive: string }): Promise<void>;
  /** One line per container: its name and its state. */
  containers(): Promise<string>;
  logs(name: string): Promise<string>;
  close(): Promise<void>;
}
