/**
 * apiUrl derives the base of GitHub's REST API from the address people open in a browser, without a trailing slash.
 *
 * | web address | REST base |
 * |---|---|
 * | github.com, www.github.com | https://api.github.com |
 * | TENANT.ghe.com | https://api.TENANT.ghe.com |
 * | any other host (GitHub Enterprise Server) | the same origin, with /api/v3 |
 *
 * @throws RangeError, with a sentence that says what to write instead.
 */
export function apiUrl(webUrl: string, override?: string): string {
  if (override !== undefined) {
    const url = parse(override);
    return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  }
  const url = parse(webUrl);
  const host = url.hostname;
  if (host === "api.github.com" || (host.startsWith("api.") && host.endsWith(".ghe.com")) || /^\/api(\/|$)/.test(url.pathname)) {
    throw new RangeError(
      `"${webUrl}" is the address of the API; write the address that people open in a browser, such as https://github.com`,
    );
  }
  if (/[^/]/.test(url.pathname)) {
    throw new RangeError(
      `"${webUrl}" has a path; write the host alone, such as https://github.com, and name the organisation in the scope`,
    );
  }
  if (host === "github.com" || host === "www.github.com") return "https://api.github.com";
  if (host.endsWith(".ghe.com")) return `https://api.${host}`;
  return `${url.origin}/api/v3`;
}

function parse(text: string): URL {
  const url = URL.parse(text.trim());
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new RangeError(`"${text}" is not an address; write for example https://github.com`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new RangeError(
      `the address of ${url.host} holds a user name or password; remove it, the App's key is all that is needed`,
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw new RangeError(`the address of ${url.host} holds a query or fragment; write for example https://${url.host}`);
  }
  return url;
}
