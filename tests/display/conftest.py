"""Result tables as a study writes them, made with lifelines from a small cohort."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawings import drawn
from layer_tables import layer_tables
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import concordance_index
from matplotlib.figure import Figure
from plotnine import ggplot
from scipy.stats import norm

from fahrstats.columns import in_order

mpl.use("agg")

LABELS = {
    "flc": {"label": "Free light chain", "unit": "mg/dL"},
    "creatinine": {"label": "Creatinine", "unit": "mg/dL"},
    "age": {"label": "Age", "unit": "years"},
    "sex": {"label": "Sex", "unit": ""},
    "age_band": {"label": "Age band", "unit": "years"},
}
BREAKS = (0.0, 2.0, 4.0, 6.0, 8.0)
Z = norm.isf(0.025)
FEW = 10


@pytest.fixture
def draw() -> Iterator[Callable[[ggplot], Figure]]:
    """Draw plots for one test."""
    with ExitStack() as stack:
        yield lambda plot: stack.enter_context(drawn(plot))


@pytest.fixture(scope="session")
def cohort() -> pd.DataFrame:
    """600 people, whose hazard rises with age, sex and the score."""
    rng = np.random.default_rng(20240607)
    n = 600
    age = rng.normal(65, 9, n).round()
    male = rng.random(n) < 0.45
    flc = np.exp(rng.normal(0, 0.5, n) + 0.01 * (age - 65)).round(3)
    creatinine = np.exp(rng.normal(0, 0.25, n)).round(2)
    hazard = 0.05 * np.exp(0.06 * (age - 65) + 0.3 * male + 0.4 * (flc - 1))
    death = rng.exponential(1 / hazard)
    censoring = rng.uniform(3, 10, n)
    bands = pd.cut(age, [0, 59, 74, 120], labels=["under 60", "60 to 74", "75 or over"])
    return pd.DataFrame(
        {
            "time": np.minimum(death, censoring).round(3) + 0.001,
            "event": death <= censoring,
            "age": age,
            "sex": np.where(male, "M", "F"),
            "age_band": bands.astype(str),
            "flc": flc,
            "creatinine": creatinine,
            "group": pd.qcut(flc, 4, labels=["Q1", "Q2", "Q3", "Q4"]).astype(str),
        }
    )


@pytest.fixture(scope="session")
def tables(cohort) -> dict[str, pd.DataFrame]:
    """Every result table of a study, columns in the order of the glossary."""
    made = {
        "flow": _flow(cohort),
        "table_one": _table_one(cohort),
        "follow_up": _follow_up(cohort),
        "curves": _curves(cohort),
        "at_risk": _at_risk(cohort),
        "logrank": _logrank(cohort),
        "cut_points": _cut_points(cohort),
        "cox": _cox(cohort),
        "ph_test": _ph_test(cohort),
        "subgroups": _subgroups(cohort),
        "comparison": _comparison(cohort),
        "concordance": _concordance(cohort),
        "published": _published(cohort),
    }
    made["survival_at"] = _survival_at(made["curves"])
    return {name: table[in_order(table.columns)] for name, table in made.items()}


@pytest.fixture(scope="session")
def layer() -> dict[str, pd.DataFrame]:
    """Return tables of the further analyses of a study of two scores."""
    return layer_tables()


@pytest.fixture(scope="session")
def labels() -> dict[str, dict[str, str]]:
    return LABELS


@pytest.fixture(scope="session")
def manifest(cohort) -> dict[str, object]:
    return {
        "title": "Free light chain and survival",
        "labels": LABELS,
        "time_unit": "years",
        "horizons": [2.0, 5.0],
        "outcome_label": "death from any cause",
        "biomarkers": ["flc"],
        "covariates": ["age", "sex", "creatinine"],
        "subgroups": ["sex", "age_band"],
        "quantile_groups": 4,
        "groups_name": "quartiles",
        "deviations": {"flc": {"overall": 0.5312}},
        "study_file": 'title = "Free light chain and survival"\n',
        "provenance": {
            "package": "0.1.0",
            "python": "3.11.9",
            "data_file": "flc.csv",
            "data_sha256": "0" * 64,
            "n_rows": len(cohort) + 24,
            "seed": 20240607,
            "created": "2024-06-07",
            "formula": {"adjusted": "Surv(time, event) ~ flc + age + sex"},
            "versions": {"numpy": "2.1.0", "pandas": "2.3.3"},
        },
        "tables": {},
        "analyses": [
            {
                "table": "cox",
                "outcome": "",
                "biomarker": "flc",
                "model": "adjusted",
                "formula": "Surv(time, event) ~ flc + age + sex",
                "n": len(cohort),
                "n_events": int(cohort["event"].sum()),
            }
        ],
    }


def _sizes(data: pd.DataFrame) -> dict[str, int]:
    return {"n": len(data), "n_events": int(data["event"].sum())}


def _flow(data: pd.DataFrame) -> pd.DataFrame:
    n, n_events = len(data), int(data["event"].sum())
    rows = [
        (0, "in the table", "", n + 24, n_events + 6, 0, 0),
        (1, "missing value", "creatinine", n + 3, n_events + 1, 21, 5),
        (2, "time is 0", "time", n, n_events, 3, 1),
        (3, "weight is 0", "weight", n, n_events, 0, 0),
    ]
    names = ["step", "reason", "column", "n", "n_events"]
    return pd.DataFrame(rows, columns=[*names, "n_removed", "n_removed_events"])


def _table_one(data: pd.DataFrame) -> pd.DataFrame:
    rows = []
    groups = {"overall": data} | {
        f"Q{k}": data[data["group"] == f"Q{k}"] for k in (1, 2, 3, 4)
    }
    for variable in ("age", "sex", "flc", "creatinine"):
        for group, part in groups.items():
            n_missing = 21 if variable == "creatinine" and group == "overall" else 0
            shared = {
                "group": group,
                "variable": variable,
                "n": len(part) - n_missing,
                "n_missing": n_missing,
            }
            if variable == "sex":
                for level in ("F", "M"):
                    count = int((part["sex"] == level).sum())
                    pair = {"count": count, "percent": 100 * count / len(part)}
                    rows += [
                        {**shared, "level": level, "estimand": k, "estimate": float(v)}
                        for k, v in pair.items()
                    ]
                continue
            values = part[variable].quantile([0.05, 0.25, 0.5, 0.75, 0.95]).to_list()
            names = ["p5", "q1", "median", "q3", "p95"]
            rows += [
                {**shared, "level": "", "estimand": k, "estimate": v}
                for k, v in zip(names, values, strict=True)
            ]
    return pd.DataFrame(rows)


def _follow_up(data: pd.DataFrame) -> pd.DataFrame:
    years = data["time"].sum()
    rate = 1000 * data["event"].sum() / years
    rows = [
        {"quantile": 0.25, "estimand": "follow_up", "estimate": 4.61},
        {
            "quantile": 0.5,
            "estimand": "follow_up",
            "estimate": 6.42,
            "conf_low": 6.1,
            "conf_high": 6.75,
        },
        {"quantile": 0.75, "estimand": "follow_up", "estimate": np.nan},
        {"estimand": "person_time", "estimate": years},
        {
            "estimand": "event_rate_per_1000",
            "estimate": rate,
            "conf_low": 0.9 * rate,
            "conf_high": 1.1 * rate,
        },
        {"estimand": "last_follow_up", "estimate": data["time"].max()},
    ]
    return pd.DataFrame(rows).assign(**_sizes(data))


def _curves(data: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for group, part in data.groupby("group"):
        fit = KaplanMeierFitter().fit(part["time"], part["event"])
        counts = fit.event_table
        limits = fit.confidence_interval_.to_numpy()
        parts.append(
            pd.DataFrame(
                {
                    "biomarker": "flc",
                    "group": group,
                    "estimand": "survival",
                    "time": counts.index.to_numpy(),
                    "estimate": fit.survival_function_.to_numpy()[:, 0],
                    "conf_low": limits[:, 0],
                    "conf_high": limits[:, 1],
                    "n_at_risk": counts["at_risk"].to_numpy(),
                    "n_censored": counts["censored"].to_numpy(),
                    "n": len(part),
                    "n_events": counts["observed"].to_numpy(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _at_risk(data: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (group, part), time in itertools.product(data.groupby("group"), BREAKS):
        gone = part["time"] < time
        rows.append(
            {
                "biomarker": "flc",
                "group": group,
                "time": time,
                "n_at_risk": int((~gone).sum()),
                "n_censored": int((gone & ~part["event"]).sum()),
                "n_events": int((gone & part["event"]).sum()),
            }
        )
    return pd.DataFrame(rows)


def _survival_at(curves: pd.DataFrame) -> pd.DataFrame:
    found = []
    for time in (2.0, 5.0):
        before = curves[curves["time"] <= time]
        found.append(before.groupby("group").tail(1).assign(time=time))
    return pd.concat(found, ignore_index=True).sort_values(["group", "time"])


def _logrank(data: pd.DataFrame) -> pd.DataFrame:
    test = multivariate_logrank_test(data["time"], data["group"], data["event"])
    row = {
        "biomarker": "flc",
        "estimand": "logrank_chi2",
        "statistic": test.test_statistic,
        "df": 3,
        "p_value": test.p_value,
    }
    return pd.DataFrame([row]).assign(**_sizes(data))


def _cut_points(data: pd.DataFrame) -> pd.DataFrame:
    cuts = data["flc"].quantile([0.25, 0.5, 0.75]).to_list()
    by_group = data.groupby("group")["event"]
    return pd.DataFrame(
        {
            "biomarker": "flc",
            "group": ["Q1", "Q2", "Q3", "Q4"],
            "quantile": [0.25, 0.5, 0.75, 1.0],
            "origin": f"this cohort, n = {len(data)}",
            "estimate": [*cuts, np.inf],
            "n": by_group.size().to_numpy(),
            "n_events": by_group.sum().to_numpy(),
        }
    )


def _fit(data: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return log hazard ratios and standard errors, factors against the first level."""
    encoded = pd.get_dummies(data[columns], drop_first=True, dtype=float)
    encoded = encoded.assign(time=data["time"], event=data["event"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = CoxPHFitter().fit(encoded, "time", "event")
    return fit.summary[["coef", "se(coef)"]].set_axis(["b", "se"], axis=1)


def _ratio_row(b: float, se: float) -> dict[str, object]:
    return {
        "estimand": "hr",
        "estimate": np.exp(b),
        "statistic": b / se,
        "p_value": 2 * norm.sf(abs(b / se)),
        "conf_low": np.exp(b - Z * se),
        "conf_high": np.exp(b + Z * se),
        "note": "",
    }


def _cox(data: pd.DataFrame) -> pd.DataFrame:
    others = ["age", "sex", "creatinine"]
    models = {
        "unadjusted": ["flc"],
        "adjusted": ["flc", *others],
        "quartiles, unadjusted": ["group"],
        "quartiles, adjusted": ["group", *others],
    }
    rows = [
        {"model": model, **_named(str(name)), **_ratio_row(*_step_of(str(name), b, se))}
        for model, columns in models.items()
        for name, (b, se) in _fit(data, columns).iterrows()
    ]
    return pd.DataFrame(rows).assign(biomarker="flc", **_sizes(data))


def _named(name: str) -> dict[str, object]:
    """Return what a row says about itself; dummies are called ``sex_M``."""
    variable, _, level = name.partition("_")
    if not level:
        per = 10.0 if name == "age" else 1.0
        return {"variable": name, "term": name, "reference": None, "per": per}
    reference = {"sex": "F", "group": "Q1"}[variable]
    variable = "flc_group" if variable == "group" else variable
    term = f"{variable}[T.{level}]"
    return {"variable": variable, "term": term, "reference": reference, "per": np.nan}


def _step_of(name: str, b: float, se: float) -> tuple[float, float]:
    return (10 * b, 10 * se) if name == "age" else (b, se)


def _ph_test(data: pd.DataFrame) -> pd.DataFrame:
    tests = {"flc": 1.31, "age": 0.02, "sex": 4.2, "global": 5.6}
    rows = [
        {
            "term": term,
            "estimand": "ph_chi2",
            "statistic": value,
            "df": 3 if term == "global" else 1,
            "p_value": p_value,
        }
        for (term, value), p_value in zip(
            tests.items(), [0.252, 0.888, 0.0404, 0.133], strict=True
        )
    ]
    return pd.DataFrame(rows).assign(biomarker="flc", model="adjusted", **_sizes(data))


def _subgroups(data: pd.DataFrame) -> pd.DataFrame:
    parts = [("overall", "overall", data)]
    parts += [("sex", level, data[data["sex"] == level]) for level in ("F", "M")]
    bands = ["under 60", "60 to 74", "75 or over"]
    parts += [("age_band", band, data[data["age_band"] == band]) for band in bands]
    parts.append(("age_band", "missing", data.iloc[:12]))
    rows = []
    for subgroup, level, part in parts:
        shared = {"subgroup": subgroup, "level": level, **_sizes(part)}
        if shared["n_events"] < FEW:
            note = f"too few events ({shared['n_events']} < {FEW})"
            rows.append({**shared, "estimand": "hr", "estimate": np.nan, "note": note})
            continue
        b, se = _fit(part, ["flc", "age"]).loc["flc"]
        rows.append({**shared, **_ratio_row(b, se)})
    for subgroup, df, p_value in (("sex", 1, 0.4321), ("age_band", 2, 0.0312)):
        rows.append(
            {
                "subgroup": subgroup,
                "level": "",
                "estimand": "interaction_chi2",
                "statistic": 2.2,
                "df": df,
                "p_value": p_value,
                "note": "",
                **_sizes(data),
            }
        )
    table = pd.DataFrame(rows).assign(biomarker="flc", term="flc", per=1.0)
    order = {"overall": 0, "sex": 1, "age_band": 2}
    return table.sort_values("subgroup", key=lambda s: s.map(order), kind="stable")


def _comparison(data: pd.DataFrame) -> pd.DataFrame:
    rows = [
        ("covariates", "", "c_index", 0.6612, 0.0121, np.nan, np.nan, np.nan),
        ("covariates", "", "log_likelihood", -1402.31, np.nan, np.nan, np.nan, np.nan),
        ("covariates", "", "aic", 2810.62, np.nan, np.nan, np.nan, np.nan),
        ("covariates + flc", "", "c_index", 0.6745, 0.0119, np.nan, np.nan, np.nan),
        ("covariates + flc", "", "log_likelihood", -1396.1, *[np.nan] * 4),
        ("covariates + flc", "", "aic", 2800.2, np.nan, np.nan, np.nan, np.nan),
        ("", _PAIR, "delta_c_index", 0.0133, 0.0071, 1.873, np.nan, 0.0611),
        ("", _PAIR, "lr_chi2", np.nan, np.nan, 12.42, 1, 0.000425),
    ]
    names = ["model", "term", "estimand", "estimate", "std_error", "statistic"]
    table = pd.DataFrame(rows, columns=[*names, "df", "p_value"])
    return _with_limits(table).assign(note="", **_sizes(data))


_PAIR = "covariates + flc - covariates"


def _concordance(data: pd.DataFrame) -> pd.DataFrame:
    scores = {
        name: concordance_index(data["time"], -data[name], data["event"])
        for name in ("flc", "age")
    }
    rows = [
        {"term": name, "estimand": "c_index", "estimate": c, "std_error": 0.015}
        for name, c in scores.items()
    ]
    difference = scores["flc"] - scores["age"]
    z = difference / 0.02
    rows.append(
        {
            "term": "flc - age",
            "estimand": "delta_c_index",
            "estimate": difference,
            "std_error": 0.02,
            "statistic": z,
            "p_value": 2 * norm.sf(abs(z)),
        }
    )
    return _with_limits(pd.DataFrame(rows)).assign(**_sizes(data))


def _with_limits(table: pd.DataFrame) -> pd.DataFrame:
    margin = Z * table["std_error"]
    return table.assign(
        conf_low=table["estimate"] - margin, conf_high=table["estimate"] + margin
    )


def _published(data: pd.DataFrame) -> pd.DataFrame:
    rows = [
        ("overall", "overall", 1.468, 1.421, 1.512, 1.47, 1.42, 1.51, ""),
        ("sex", "M", 1.437, 1.382, 1.499, 1.44, 1.38, 1.51, "limits differ"),
    ]
    names = ["subgroup", "level", "estimate", "conf_low", "conf_high"]
    printed = ["published", "published_low", "published_high", "note"]
    table = pd.DataFrame(rows, columns=[*names, *printed])
    return table.assign(outcome="", term="flc", per="SD", estimand="hr", **_sizes(data))
