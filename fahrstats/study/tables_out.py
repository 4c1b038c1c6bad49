"""The result tables of a study, one function each: a cohort in, a table out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pandas as pd

from fahrstats.study.checks import StudyCohort

TableMaker: TypeAlias = Callable[[StudyCohort], pd.DataFrame]

_GROUP_NAMES = {3: "tertiles", 4: "quartiles", 5: "quintiles", 10: "deciles"}
