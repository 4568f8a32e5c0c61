/** namespace is the one of the stage's operator and of all of its objects. */
export const namespace = "getabako";

/** collection is where objects of a kind of ours are made. */
export function collection(plural: string): string {
  return `/apis/getabako.dev/v1alpha1/namespaces/${namespace}/${plural}`;
}

/** path is the address of one of the stage's objects of our kinds. */
export function path(plural: string, name: string): string {
  return `/apis/getabako.dev/v1alpha1/namespaces/${namespace}/${plural}/${name}`;
}

export const paths = {
  app: path("githubapps", "acme"),
  class: path("ecsrunnerclasses", "fargate"),
  target: path("runnertargets", "acme"),
  lease: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/getabako`,
  deployment: `/apis/apps/v1/namespaces/${namespace}/deployments/getabako`,
  secret: `/api/v1/namespaces/${namespace}/secrets/github-app`,
  role: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/getabako`,
  secretRole: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/getabako-secrets`,
} as const;
