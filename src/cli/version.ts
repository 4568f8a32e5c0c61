declare const GETABAKO_VERSION: string | undefined;

/** version is the release of this program; the build writes it in, a checkout says "dev". */
export const version: string = typeof GETABAKO_VERSION === "string" ? GETABAKO_VERSION : "dev";
