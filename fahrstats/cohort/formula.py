"""Reading a formula: the outcome it names, and the columns its right-hand side uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass

from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor

from fahrstats.errors import FormulaError

_NAME = r"\s*(`[^`]+`|[^\W\d][\w.]*)\s*"
_OUTCOME = re.compile(rf"\s*Surv\({_NAME},{_NAME}(?:,{_NAME})?\)\s*")
_QUOTED = re.compile(r"`([^`]+)`")
_ARGUMENT = re.compile(r"\b(strata|cluster)\s*\(")


@dataclass(frozen=True, slots=True)
class ParsedFormula:
    """A formula split into the columns of its outcome and a right-hand side.

    Attributes
    ----------
    text : str
        The formula as given.
    time, event : str
        Columns of the end of follow-up and of the event.
    entry : str or None
        Column of the start of follow-up, with delayed entry.
    right : Formula
        The right-hand side, with an intercept, in formulaic's form.
    """

    text: str
    time: str
    event: str
    entry: str | None
    right: Formula


def parse_formula(formula: str) -> ParsedFormula:
    """Split ``"Surv(time, event) ~ x"`` or ``"Surv(entry, exit, event) ~ x"``.

    Raises
    ------
    FormulaError
        The outcome is not ``Surv`` of two or three column names, the right-hand side
        cannot be read, or it takes the intercept out, which would change how factors
        are coded.
    """
    left, tilde, right = formula.partition("~")
    outcome = _OUTCOME.fullmatch(left)
    if not tilde or outcome is None:
        raise FormulaError(
            f"`{formula}` must start with an outcome that names columns, "
            "`Surv(time, event) ~ ` or `Surv(entry, exit, event) ~ `."
        )
    argument = _ARGUMENT.search(right)
    if argument is not None:
        raise FormulaError(
            f"`{formula}` calls `{argument[1]}`, which is an argument here, not a "
            f'term; give `{argument[1]}="column"` beside the formula.'
        )
    names = [name.strip("`") for name in outcome.groups() if name]
    try:
        parsed = Formula(right)
    except (FormulaicError, SyntaxError) as error:
        reason = str(error).strip().splitlines()[0].partition(". ")[0].rstrip(".")
        raise FormulaError(
            f"The right-hand side of `{formula}` cannot be read: {reason}."
        ) from error
    if not hasattr(parsed, "required_variables") or "1" not in [str(t) for t in parsed]:
        raise FormulaError(
            f"`{formula}` takes out the intercept or has several parts; write one list "
            "of terms without `- 1`, `+ 0`, `~` or `|`: a Cox model has no intercept, "
            "and taking it out changes how factors are coded."
        )
    return ParsedFormula(
        text=formula,
        time=names[-2],
        event=names[-1],
        entry=names[0] if len(names) == 3 else None,
        right=parsed,
    )


def used_columns(right: Formula, columns: Collection[str]) -> tuple[str, ...]:
    """Names on the right-hand side, in order: columns of the data and unknown names.

    A name that is only called, such as ``log`` in ``log(age)``, or only looked into,
    such as ``np`` in ``np.log(age)``, is a transform.
    """
    names: dict[str, None] = {}
    for term in right:
        for factor in term.factors:
            names.update(dict.fromkeys(factor_columns(factor, columns)))
    return tuple(names)


def factor_columns(factor: Factor, columns: Collection[str]) -> list[str]:
    """Names that one factor of a formula looks up, in order."""
    if factor.eval_method is Factor.EvalMethod.LITERAL:
        return []
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        return [factor.expr.strip("`")]
    quoted = _QUOTED.findall(factor.expr)
    tree = ast.parse(_QUOTED.sub("__quoted__", factor.expr), mode="eval")
    parts = list(ast.walk(tree))
    called = [part.func for part in parts if isinstance(part, ast.Call)]
    looked_into = [part.value for part in parts if isinstance(part, ast.Attribute)]
    transforms = {n.id for n in called + looked_into if isinstance(n, ast.Name)}
    plain = [
        node.id
        for node in parts
        if isinstance(node, ast.Name) and node.id != "__quoted__"
    ]
    looked_up = [name for name in plain if name in columns or name not in transforms]
    return list(dict.fromkeys([*looked_up, *quoted]))
