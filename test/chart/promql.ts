import type { SyntaxNode, Tree } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

/** Selector is one vector selector of an expression: a metric and what is asked of its labels. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

export interface Matcher {
  readonly label: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

/** parsePromql parses an expression with Prometheus' own grammar. @throws SyntaxError that shows where it is wrong. */
export function parsePromql(expression: string): {
  readonly selectors: readonly Selector[];
  readonly grouped: readonly string[];
} {
  const tree: Tree = parser.parse(expression);
  const text = (node: SyntaxNode): string => expression.slice(node.from, node.to);
  const selectors: Selector[] = [];
  const grouped: string[] = [];
  tree.iterate({
    enter(cursor) {
      const { node } = cursor;
      if (cursor.type.isError) {
        throw new SyntaxError(`not PromQL: ${expression.slice(0, cursor.from)} <<HERE>> ${expression.slice(cursor.from)}`);
      }
      if (cursor.name === "GroupingLabels") grouped.push(...node.getChildren("LabelName").map(text));
      if (cursor.name !== "VectorSelector") return;
      const metric = node.getChild("Identifier");
      const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
      selectors.push({
        metric: metric === null ? "" : text(metric),
        matchers: matchers.map((matcher) => {
          const [label, operator, value] = ["LabelName", "MatchOp", "StringLiteral"].map((name) => matcher.getChild(name));
          if (label == null || operator == null || value == null) throw new SyntaxError(`not a matcher: ${text(matcher)}`);
          return {
            label: text(label),
            operator: text(operator) as Matcher["operator"],
            value: JSON.parse(text(value)) as string,
          };
        }),
      });
    },
  });
  if (selectors.length === 0) throw new SyntaxError(`no metric in ${expression}`);
  return { selectors, grouped };
}
