"""The small faults that a mutation run puts into a module, one at a time: what a slip of the pen could write.

Left alone: annotations, `Literal`, protocols, docstrings, imports, `__all__`, `@dataclass`, `strict=` (a
self-check that cannot fire), and the `frozenset` around a set's display (nothing else than a set).
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

SWAPS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
CALLS = {"max": "min", "min": "max", "any": "all", "all": "any"}
TRANSPARENT = {"sorted", "reversed", "abs", "frozenset", "copy_abs", "upper", "strip", "astimezone"}
"""Calls that are replaced by what they are called on."""

NOT_RUN = {"annotation", "returns", "type_params", "ctx", "format_spec"}


@dataclass(frozen=True)
class Fault:
    """Replaces `parent.field` (or its entry `index`) by `new`; `first` to `last` are the statement's lines."""

    function: str
    first: int
    last: int
    before: str
    after: str
    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST | None

    def inject(self) -> None:
        """Change the tree, for good: the runner does it in a process of its own."""
        if self.index is None:
            setattr(self.parent, self.field, self.new)
        elif self.new is None:
            del getattr(self.parent, self.field)[self.index]
        else:
            getattr(self.parent, self.field)[self.index] = self.new


def faults(tree: ast.AST, function: str = "", lines: tuple[int, int] = (0, 0)) -> Iterator[Fault]:
    """Every fault of a module's tree."""
    if isinstance(tree, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{tree.name}".strip(".")
    for field, value in ast.iter_fields(tree):
        entries = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, node in entries:
            if field in NOT_RUN or not isinstance(node, ast.AST) or _left_alone(tree, node):
                continue
            inside = (node.lineno, node.end_lineno or 0) if isinstance(node, ast.stmt) else lines
            for new in _news(tree, field, node):
                after = _text(new) if new else "(nothing)"
                yield Fault(function, *inside, _text(node), after, tree, field, index, new)
            yield from faults(node, function, inside)


def _left_alone(parent: ast.AST, node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.TypeAlias():
            return True
        case ast.ClassDef(bases=[ast.Name(id="Protocol")]):
            return True
        case ast.Subscript(value=ast.Name(id="Literal")) | ast.Call(func=ast.Name(id="dataclass")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.keyword(arg="strict"):
            return True
    return isinstance(parent, ast.JoinedStr) and isinstance(node, ast.Constant)


def _news(parent: ast.AST, field: str, node: ast.AST) -> Iterator[ast.AST | None]:
    """What `node` could be instead; None: nothing at all."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=right):
            for place, op in enumerate(ops):
                for other in SWAPS[type(op)]:
                    yield ast.Compare(left, [*ops[:place], other(), *ops[place + 1 :]], right)
        case ast.BinOp(left=left, op=op, right=right):
            yield from (ast.BinOp(left, other(), right) for other in SWAPS[type(op)])
        case ast.AugAssign(target=target, op=op, value=value):
            yield from (ast.AugAssign(target, other(), value) for other in SWAPS[type(op)])
            yield ast.Pass()
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(SWAPS[type(op)][0](), values)
            for left_out in range(len(values)):
                kept = [value for place, value in enumerate(values) if place != left_out]
                yield kept[0] if len(kept) == 1 else ast.BoolOp(op, kept)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value):
            yield ast.Constant("XX")
        case ast.JoinedStr():
            yield ast.Constant("XX")
        case ast.FormattedValue(value=value):
            yield ast.Constant("XX")
            if node.format_spec or node.conversion >= 0:
                yield ast.FormattedValue(value, -1)
        case ast.Call():
            yield from _calls(node)
        case ast.Raise() | ast.Continue() | ast.Break() | ast.Expr():
            yield ast.Pass()
        case ast.If(body=body, orelse=orelse):
            yield ast.If(ast.Constant(True), body, orelse)
            yield ast.If(ast.Constant(False), body, orelse)
    if (isinstance(parent, ast.comprehension) and field == "ifs") or field in {"decorator_list", "keywords"}:
        yield None


def _calls(call: ast.Call) -> Iterator[ast.AST]:
    match call.func:
        case ast.Name(id=name) if name in CALLS:
            yield ast.Call(ast.Name(CALLS[name], ast.Load()), call.args, call.keywords)
            yield from call.args if len(call.args) > 1 else ()
        case ast.Name(id=name) if name in TRANSPARENT and not isinstance(call.args[0], ast.Set):
            yield call.args[0]
        case ast.Attribute(value=value, attr=name) if name in TRANSPARENT:
            yield value


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.FormattedValue):
        node = ast.JoinedStr([node])
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    return text.split("\n")[0].replace("|", "∣")
