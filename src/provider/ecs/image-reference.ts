/**
 * imageProblem says what is wrong with an image reference by its form alone; undefined when nothing is. The form is that of the OCI
 * distribution specification: [host[:port]/]path[:tag][@digest].
 */
export function imageProblem(image: string): string | undefined {
  const [beforeDigest = "", digest, ...more] = image.split("@");
  if (more.length > 0) return "it has more than one @";
  if (digest !== undefined && !/^[a-z0-9]+([+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/.test(digest)) {
    return `"${digest.slice(0, 80)}" is no digest; a digest reads sha256:<64 hexadecimal digits>`;
  }
  if (/^[a-z]+:\/\//i.test(beforeDigest)) return "leave https:// out";
  const slash = beforeDigest.indexOf("/");
  const first = slash < 0 ? "" : beforeDigest.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === "localhost";
  if (
    hasHost &&
    !/^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?$/.test(first)
  ) {
    return `"${first.slice(0, 80)}" is no registry host`;
  }
  const rest = hasHost ? beforeDigest.slice(slash + 1) : beforeDigest;
  const colon = rest.indexOf(":");
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag)) return `"${tag.slice(0, 80)}" is no tag`;
  if (path !== path.toLowerCase()) return `names are in small letters: ${path.toLowerCase().slice(0, 120)}`;
  if (!/^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/.test(path))
    return `"${path.slice(0, 80)}" is no image name`;
  return undefined;
}

/** isPrivateEcr tells whether an image lies in a private ECR registry, which nothing but an execution role can pull from. */
export function isPrivateEcr(image: string): boolean {
  return /^[0-9]{12}\.dkr[.-]ecr[.-][a-z0-9-]+\./.test(image);
}
