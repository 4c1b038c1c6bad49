"""Readers who try to find a count that is not printed."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

NO_END = 10_000.0


class Attacker:
    """Someone who knows what is printed, the rule, and which sums hold.

    Counts are whole numbers between limits; the least and the largest that one can be
    are found by integer linear programming.
    """

    def __init__(self):
        self.limits = {}
        self.sums = []

    def knows(self, name, low, high=NO_END):
        """Learn that a count lies between limits, beside those known before."""
        least, most = self.limits.get(name, (0.0, NO_END))
        self.limits[name] = max(least, low), min(most, high)

    def reads(self, name, printed, *, base, is_small=True, zero=True):
        """Read a count in a table: a number, or a dash where it is missing.

        The reader is told which dashes are small counts, and which are not.
        """
        if not np.isnan(printed):
            low = max(2.0 * base, printed - base + 1) if printed else 0.0
            self.knows(name, low, printed + base - 1 if printed else 0.0)
        elif is_small:
            self.knows(name, float(zero), 2.0 * base - 1)
        else:
            self.knows(name, 0.0)

    def adds(self, total, parts):
        """Learn that a count is the sum of others."""
        for name in (total, *parts):
            self.limits.setdefault(name, (0.0, NO_END))
        self.sums.append((total, tuple(parts)))

    def finds(self, name):
        """Return the least and the largest value that a count can have."""
        at = {known: i for i, known in enumerate(self.limits)}
        rows = np.zeros((len(self.sums), len(at)))
        for row, (total, parts) in zip(rows, self.sums, strict=True):
            row[at[total]] += 1
            for part in parts:
                row[at[part]] -= 1
        goal = np.zeros(len(at))
        goal[at[name]] = 1
        found = []
        for sign in (1, -1):
            best = milp(
                sign * goal,
                integrality=np.ones(len(at)),
                bounds=Bounds(*np.array(list(self.limits.values())).T),
                constraints=[LinearConstraint(rows, 0, 0)] if self.sums else [],
            )
            assert best.x is not None, best.message
            found.append(round(float(best.x[at[name]])))
        return tuple(found)
