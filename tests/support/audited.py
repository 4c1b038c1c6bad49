# ruff: noqa: RUF001  (crosses stand between groups)
"""Made-up results of an audit, with the columns of a real one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd

from fahrstats.columns import in_order

SCORE = "flc"
HORIZON = 5.0
LEVELS = {
    ("overall", "overall"): (2000, 400),
    ("sex", "Women"): (1040, 190),
    ("sex", "Men"): (960, 210),
    ("race", "White"): (1400, 290),
    ("race", "Black"): (380, 74),
    ("race", "Other or declined"): (170, 28),
    ("race", "missing"): (50, 8),
    ("sex × race", "Women × White"): (720, 140),
    ("sex × race", "Women × Black"): (205, 35),
    ("sex × race", "Women × Other or declined"): (92, 13),
    ("sex × race", "Men × White"): (680, 150),
    ("sex × race", "Men × Black"): (175, 39),
    ("sex × race", "Men × Other or declined"): (78, 15),
}
"""Rows and events of every level; ``missing`` has too few events to be estimated."""

FACTORS = ("sex", "race", "sex × race")
FLOOR = 10
Z = 1.959964
TOO_FEW = "too few: 20 or more people, 1 to 9 events"

# Estimand: term, mean, spread between levels, standard error times root of events.
_MEASURES = {
    "log_hr": (SCORE, 0.35, 0.08, 1.1),
    "c_index": (SCORE, 0.64, 0.02, 0.28),
    "model_c_index": ("model", 0.72, 0.02, 0.25),
    "observed_expected": ("model", 0.0, 0.07, 0.9),
    "calibration_intercept": ("model", 0.0, 0.07, 0.9),
    "calibration_slope": ("model", 1.0, 0.05, 1.2),
    "brier": ("model", 0.11, 0.01, 0.1),
    "ipa": ("model", 0.08, 0.02, 0.3),
    "marker_mean": (SCORE, 1.6, 0.1, 0.4),
    "marker_sd": (SCORE, 0.9, 0.05, 0.3),
}
_RATIOS = {"log_hr": "hr", "observed_expected": "observed_expected"}
_AT_HORIZON = ("observed_expected", "calibration_", "brier", "ipa")


def audit_table() -> pd.DataFrame:
    """Every measure of every level, ratios exponentiated."""
    rng = np.random.default_rng(20260607)
    rows = []
    for (subgroup, level), (n, n_events) in LEVELS.items():
        about = {"subgroup": subgroup, "level": level, "n": n, "n_events": n_events}
        about |= {"n_missing": n // 40, "note": ""}
        few = n_events < FLOOR
        if few:
            about |= {"n": np.nan, "n_events": np.nan, "n_missing": np.nan}
            about["note"] = TOO_FEW
        for measure, (term, mean, spread, scale) in _MEASURES.items():
            draw = rng.normal(0, spread) * (subgroup != "overall")
            row = {**about, "term": term, "estimand": _RATIOS.get(measure, measure)}
            if measure == "model_c_index":
                row["estimand"] = "c_index"
            timed = measure.startswith(_AT_HORIZON)
            row["time"] = HORIZON if timed else np.nan
            rows.append(row | _numbers(measure, mean + draw, scale, n_events, few))
        for measure, value in (
            ("censored_share", 1 - n_events / n),
            ("person_time", 7 * n),
        ):
            number = np.nan if few else float(value)
            rows.append({**about, "term": "", "estimand": measure, "estimate": number})
    table = pd.DataFrame(rows).assign(biomarker=SCORE, per="1")
    return table[in_order(table.columns)]


def _numbers(
    measure: str, mean: float, scale: float, n_events: int, few: bool
) -> dict[str, float]:
    """Estimate and limits, of a ratio from its logarithm."""
    error = scale / np.sqrt(n_events)
    limits = np.array([mean, mean - Z * error, mean + Z * error])
    limits = np.exp(limits) if measure in _RATIOS else limits
    names = ("estimate", "conf_low", "conf_high")
    numbers = (
        dict.fromkeys(names, np.nan) if few else dict(zip(names, limits, strict=True))
    )
    is_error = not few and measure not in _RATIOS
    return {**numbers, "std_error": error if is_error else np.nan}


TESTED = {
    "hr": "interaction_chi2",
    "c_index": "heterogeneity_chi2",
    "model_c_index": "heterogeneity_chi2",
    "observed_expected": "heterogeneity_chi2",
    "calibration_slope": "heterogeneity_chi2",
}
"""Measures that are tested, and by what."""


def table_of_tests() -> pd.DataFrame:
    """One test per factor and measure; only that of race by O/E is small."""
    rows = []
    for factor in FACTORS:
        for measure, estimand in TESTED.items():
            small = (factor, measure) == ("race", "observed_expected")
            rows.append(
                {
                    "subgroup": factor,
                    "level": "",
                    "measure": measure,
                    "estimand": estimand,
                    "statistic": 19.2 if small else 1.9,
                    "df": 1 if factor == "sex" else 2,
                    "p_value": 0.00007 if small else 0.31,
                    "p_adjusted": 0.00105 if small else 1.0,
                    "q_value": 0.00105 if small else 0.33,
                    "i_squared": 0.9 if small else 0.0,
                    "n": 1950,
                    "n_events": 392,
                    "note": "",
                }
            )
    return pd.DataFrame(rows).assign(biomarker=SCORE)


def differences_table() -> pd.DataFrame:
    """Return the two levels that differ most, by factor and measure."""
    pairs = {
        "sex": "Women - Men",
        "race": "Black - White",
        "sex × race": "Women × Black - Men × White",
    }
    rows = [
        {
            "subgroup": factor,
            "term": pair,
            "measure": measure,
            "estimand": measure,
            "estimate": 1.3 if ratio else -0.03,
            "conf_low": 1.1 if ratio else -0.08,
            "conf_high": 1.6 if ratio else 0.02,
            "statistic": 2.3 if ratio else 1.2,
            "p_adjusted": 0.04 if ratio else 0.5,
            "note": "",
        }
        for factor, pair in pairs.items()
        for measure in TESTED
        for ratio in [measure in ("hr", "observed_expected")]
    ]
    return pd.DataFrame(rows).assign(biomarker=SCORE)


def between_table() -> pd.DataFrame:
    """Ranking between the levels of race, one of them too small."""
    levels = ["White", "Black", "Other or declined", "missing"]
    rows = []
    for k, (a, b) in enumerate(permutations(levels, 2)):
        few = "missing" in (a, b)
        c = np.nan if few else 0.62 + 0.01 * k
        shared = {"subgroup": "race", "level": "", "term": f"{a} - {b}"}
        shared |= {"p_value": 0.01, "note": TOO_FEW if few else ""}
        limits = {"estimate": c, "conf_low": c - 0.05, "conf_high": c + 0.05}
        rows.append({**shared, **limits, "estimand": "cross_c_index"})
        if levels.index(a) < levels.index(b):
            difference = np.nan if few else -0.04
            joint = {"joint_low": difference - 0.07, "joint_high": difference + 0.07}
            rows.append(
                {
                    **shared,
                    **joint,
                    "estimand": "cross_c_difference",
                    "estimate": difference,
                    "p_adjusted": np.nan if few else 0.21,
                }
            )
    test = {"subgroup": "race", "term": "", "estimand": "asymmetry_f"}
    rows.append({**test, "statistic": 3.2, "df": 3.0, "p_value": 0.36, "note": ""})
    return pd.DataFrame(rows).assign(biomarker=SCORE)


def shrunken_table() -> pd.DataFrame:
    """Draw the C-index and the hazard ratio of every level halfway to everyone's."""
    table = audit_table()
    levels = table[table["subgroup"] != "overall"]
    levels = levels[levels["estimand"].isin(["hr", "c_index"])]
    levels = levels[levels["term"] == SCORE]
    middle = levels["estimand"].map({"hr": 1.4, "c_index": 0.64})
    names = ["estimate", "conf_low", "conf_high"]
    pooled = levels[names].add(middle, axis=0) / 2
    return levels.assign(**pooled, weight=0.5, note="")
