"""A chat template's syntax tree, rewritten so that nothing in it runs unpaid.

Every body (of a loop, a branch, a macro) begins by paying for one run of itself, and every
literal, comparison, slice and `~` becomes a call of ours, written as a filter: the one kind of
call that jinja2 compiles to a plain function with the context as its argument.
"""

from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from runner.prompt.sandbox.meter import fail

# The filters a rewritten tree calls. No template can write names like these.
LITERAL = "a literal"
PAY = "pay for"
CONCAT = "a ~ b"
CUT = "a[b:c]"
KEY = "a key"
RELATION = "a {} b"
CHAIN = "a < b < c"

_ALLOWED = (
    nodes.Template | nodes.Output | nodes.TemplateData | nodes.For | nodes.If | nodes.Macro
    | nodes.CallBlock | nodes.FilterBlock | nodes.With | nodes.Assign | nodes.AssignBlock
    | nodes.Scope | nodes.Break | nodes.Continue
    | nodes.Name | nodes.NSRef | nodes.Const | nodes.Tuple | nodes.List | nodes.Dict | nodes.Pair
    | nodes.Keyword | nodes.CondExpr | nodes.Filter | nodes.Test | nodes.Call | nodes.Getitem
    | nodes.Getattr | nodes.Slice | nodes.Concat | nodes.Compare | nodes.Operand | nodes.BinExpr
    | nodes.UnaryExpr
)  # fmt: skip

# Statements that run what is in these fields of theirs any number of times, or not at all.
_Paying = nodes.For | nodes.If | nodes.Macro | nodes.CallBlock
_BODIES = ("body", "else_")


class Rewriter(NodeTransformer):
    """Puts our operations in the place of jinja2's; raises TemplateError for what is refused."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, _ALLOWED):
            fail(f"uses {type(node).__name__.lower()!r}, which is not supported.")
        if isinstance(node, nodes.Call | nodes.Filter | nodes.Test) and (
            node.dyn_args or node.dyn_kwargs
        ):
            fail("unpacks arguments with a star, which is not supported.")
        return super().visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            fail("uses a recursive loop, which is not supported.")
        test = node.test
        self._pay_for_bodies(node)
        if test:
            # The test runs also for elements whose body does not.
            node.test = nodes.And(_operation(PAY, nodes.Const(_cost([test]))), node.test)
        return node

    def visit_If(self, node: nodes.If) -> nodes.Node:
        return self._pay_for_bodies(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return self._pay_for_bodies(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        return self._pay_for_bodies(node)

    def _pay_for_bodies(self, node: _Paying) -> nodes.Node:
        """Let each body of a statement begin by paying for one run of it."""
        bodies = [node.body]
        if isinstance(node, nodes.For | nodes.If) and node.else_:
            bodies.append(node.else_)
        defaults = getattr(node, "defaults", [])  # of a macro's arguments, computed at each call
        costs = [_cost([*body, *defaults]) for body in bodies]
        self.generic_visit(node)
        for body, cost in zip(bodies, costs, strict=True):
            payment = _operation(PAY, nodes.Const(cost))
            body.insert(0, nodes.ExprStmt(payment, lineno=node.lineno))
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        return _operation(LITERAL, nodes.Const(node.data))

    def visit_Const(self, node: nodes.Const) -> nodes.Node:
        return _operation(LITERAL, node) if isinstance(node.value, str) else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _operation(CONCAT, nodes.List(node.nodes))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        """`a < b`, or all of `a < b < c` in one call (which evaluates `c` even if `a >= b`)."""
        first, *others = [self._compared(n) for n in (node.expr, *(op.expr for op in node.ops))]
        if len(others) == 1:
            return _operation(RELATION.format(node.ops[0].op), first, *others)
        relations = nodes.List([nodes.Const(operand.op) for operand in node.ops])
        return _operation(CHAIN, relations, first, *others)

    def _compared(self, node: nodes.Expr) -> nodes.Expr:
        """An operand. A constant needs no provenance there."""
        rewritten: nodes.Expr = node if isinstance(node, nodes.Const) else self.visit(node)
        return rewritten

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        node.node = self.visit(node.node)
        if isinstance(node.arg, nodes.Slice):
            ends = [node.arg.start, node.arg.stop, node.arg.step]
            return _operation(
                CUT, node.node, *(self.visit(end) if end else nodes.Const(None) for end in ends)
            )
        node.arg = self._compared(node.arg)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:
        self.generic_visit(node)
        node.key = _operation(KEY, node.key)
        return node


def _operation(name: str, first: nodes.Expr, *others: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(first, name, list(others), [], None, None)


def _cost(body: list[Any]) -> int:
    """What running a piece of the tree once costs in steps: a few, and one for each node that is
    not in a body of its own."""
    return 3 + sum(map(_nodes, body))


def _nodes(node: nodes.Node) -> int:
    excluded = _BODIES if isinstance(node, _Paying) else ()
    return 1 + sum(map(_nodes, node.iter_child_nodes(exclude=excluded)))
