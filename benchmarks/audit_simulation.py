"""What an audit finds where the truth is known: false alarms, power, coverage.

Run `OMP_NUM_THREADS=1 python -m benchmarks.audit_simulation` from the root of the
project; it writes the tables that `docs/audits.md` quotes. `--share 0.1` is quick.
Cohorts have two factors, sex in two levels and site in three, of which only sex is in
the model; seeds are fixed.
"""

from __future__ import annotations

import argparse
import gc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

import fahrstats as fs
from fahrstats.errors import ResultWarning

HORIZON = 5.0
N, REPLICATIONS, SEED = 1500, 4000, 20260612
SITES = ("north", "south", "west")
SHARES = (0.6, 0.25, 0.15)
EFFECT = 0.5
LEVEL = 0.05
MODEL = "Surv(time, event) ~ marker + age + sex"
TESTED = ("hr", "c_index", "model_c_index", "observed_expected", "calibration_slope")
HEADERS = ("HR", "C", "C of model", "O/E", "slope")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Truth:
    """How the world is, and how it is audited.

    Attributes
    ----------
    name : str
        What it is called in the table.
    effect, hazard : dict of str to float
        Log hazard ratio of the marker, and factor of the baseline hazard, of sites that
        differ.
    reading : dict of str to float
        How much lower the marker reads at a site for the same risk.
    shift, spread : dict of str to float
        By how much predicted log hazards of a site are moved and stretched; given as
        risks of a published model if either is.
    formula : str
        The model.
    n, share_of_replications : int, float
        Rows, and how many of the replications are made.
    by : tuple of str
        Columns to audit by.
    """

    name: str
    effect: dict[str, float] = field(default_factory=dict)
    hazard: dict[str, float] = field(default_factory=dict)
    reading: dict[str, float] = field(default_factory=dict)
    shift: dict[str, float] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    formula: str = MODEL
    n: int = N
    share_of_replications: float = 0.125
    by: tuple[str, ...] = ("sex", "site")


TRUTHS = (
    Truth("all groups alike", share_of_replications=1),
    Truth("marker half as strong in one site", effect={"south": EFFECT / 2}),
    Truth("marker of no use in one site", effect={"south": 0.0}),
    Truth("published risks too low in one site (O/E 1.3)", shift={"south": -0.35}),
    Truth("published risks too extreme in one site", spread={"south": 1.6}),
    Truth("baseline risk 1.5-fold in one site", hazard={"south": 1.5}),
    Truth(
        "marker reads 0.5 SD too low in one site, site in the model",
        reading={"south": 0.5},
        formula=f"{MODEL} + site",
    ),
    Truth("25 clinics of 40 people, all alike", n=1000, by=("clinic",)),
)


def simulate(rng: np.random.Generator, truth: Truth) -> pd.DataFrame:
    """Draw a cohort with the risks that are true, or as a model has them wrong."""
    n = truth.n
    data = pd.DataFrame(
        {
            "marker": rng.normal(size=n),
            "age": rng.normal(60, 10, n),
            "sex": rng.choice(["women", "men"], n),
            "site": rng.choice(SITES, n, p=SHARES),
            "clinic": rng.permutation(np.arange(n) % 25).astype(str),
        }
    )
    effect = data["site"].map(truth.effect).fillna(EFFECT)
    others = 0.03 * (data["age"] - 60) + 0.3 * (data["sex"] == "men")
    rest = np.log(data["site"].map(truth.hazard).fillna(1.0)) + others
    log_hazard = np.log(0.1) + effect * data["marker"] + rest
    death = rng.exponential(1 / np.exp(log_hazard))
    lost = rng.uniform(1, 12, n)
    told = log_hazard * data["site"].map(truth.spread).fillna(1.0)
    told += data["site"].map(truth.shift).fillna(0.0)
    return data.assign(
        marker=data["marker"] - data["site"].map(truth.reading).fillna(0.0),
        time=np.minimum(death, lost),
        event=(death <= lost).astype(int),
        risk=-np.expm1(-HORIZON * np.exp(told)),
    )


def audited(data: pd.DataFrame, truth: Truth, *, published: bool) -> fs.Audit:
    """Audit one cohort."""
    return fs.audit(
        truth.formula,
        data,
        term="marker",
        by=list(truth.by),
        horizon=HORIZON,
        risk="risk" if published else None,
    )


def alarms(truth: Truth, replications: int, seed: int) -> pd.Series:
    """Share of cohorts in which each measure is said to differ."""
    published = bool(truth.shift or truth.spread)
    found = []
    for rng in _streams(replications, seed):
        result = audited(simulate(rng, truth), truth, published=published)
        tests = result.tests()
        differs = tests.assign(differs=tests["p_adjusted"] < LEVEL)
        row = differs.groupby("measure")["differs"].any()[list(TESTED)]
        row["any"] = row.any()
        (ranked,) = (
            part
            for part in result.ranked.parts
            if (part.biomarker, part.subgroup) == ("marker", truth.by[-1])
        )
        row["between"] = ranked.test_row()["p_value"].iloc[0] < LEVEL
        found.append(row)
    return pd.DataFrame(found).mean()


def coverage(replications: int, seed: int) -> pd.DataFrame:
    """Share of 95% intervals that hold the truth, by measure and site."""
    truth = TRUTHS[0]
    wanted = _true_values(truth)
    found = []
    for rng in _streams(replications, seed):
        table = audited(simulate(rng, truth), truth, published=True).tidy()
        table = _named(table[table["subgroup"] == "site"])
        true = table["measure"].map(wanted)
        holds = (table["conf_low"] <= true) & (true <= table["conf_high"])
        found.append(table.assign(holds=holds)[["measure", "level", "holds"]])
    every = pd.concat(found)
    shares = every.groupby(["measure", "level"], sort=False)["holds"].mean()
    return shares.unstack()[list(SITES)]


def joint_coverage(replications: int, seed: int) -> pd.Series:
    """Share of joint limits of the largest difference that hold no difference."""
    truth = TRUTHS[0]
    found = []
    for rng in _streams(replications, seed):
        result = audited(simulate(rng, truth), truth, published=False)
        table = result.largest_difference()
        table = table[table["subgroup"] == "site"].set_index("measure")
        alike = table["estimand"].str.startswith("ratio").astype(float)
        found.append((table["conf_low"] <= alike) & (alike <= table["conf_high"]))
    return pd.DataFrame(found).mean()


def freeze() -> None:
    """Load everything and keep it from garbage collection.

    statsmodels collects at every adjustment of p values.
    """
    alarms(TRUTHS[0], 1, SEED)
    gc.freeze()


def _streams(replications: int, seed: int) -> Iterator[np.random.Generator]:
    for child in np.random.SeedSequence(seed).spawn(replications):
        yield np.random.default_rng(child)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Keep rows with an interval, each under the name of its measure."""
    is_model = (table["estimand"] == "c_index") & (table["term"] == "model")
    measure = table["estimand"].mask(is_model, "model_c_index")
    return table.assign(measure=measure)[table["conf_low"].notna()]


def _true_values(truth: Truth) -> dict[str, float]:
    """Return what an audit of very many people finds, or what is known."""
    large = Truth(truth.name, n=400_000)
    data = simulate(np.random.default_rng(SEED), large)
    table = _named(audited(data, large, published=True).tidy())
    values = dict(zip(table["measure"], table["estimate"], strict=True))
    exact = {"log_hr": EFFECT, "observed_expected": 1.0, "calibration_intercept": 0.0}
    exact |= {"calibration_slope": 1.0, "marker_mean": 0.0, "marker_sd": 1.0}
    return values | exact


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(share: float) -> str:
    """Return all tables as Markdown."""
    rows = []
    for number, truth in enumerate(TRUTHS):
        replications = int(REPLICATIONS * share * truth.share_of_replications)
        found = alarms(truth, replications, SEED + number)
        values = [_percent(found[name]) for name in (*TESTED, "any", "between")]
        rows.append([truth.name, f"{replications:,}", *values])
    head = ("Truth", "Cohorts", *HEADERS, "any", "between groups")
    replications = int(REPLICATIONS * share / 8)
    intervals = coverage(replications, SEED + 100)
    joint = joint_coverage(replications, SEED + 200)
    held = [[name, *map(_percent, intervals.loc[name])] for name in intervals.index]
    jointly = [[name, _percent(value)] for name, value in joint.items()]
    return "\n\n".join(
        [
            "Share of cohorts (%) in which a measure is said to differ, P adjusted for "
            "all tests below 0.05; between groups: the marker favours some of the "
            "sites or clinics:",
            _table(head, rows),
            f"Share of 95% intervals (%) that hold the truth, {replications:,} cohorts "
            "with the risks that are true:",
            _table(("Measure", *SITES), held),
            "Share of joint 95% limits (%) of the largest difference between sites "
            f"that hold no difference, {replications:,} cohorts:",
            _table(("Measure", "held"), jointly),
        ]
    )


def main() -> None:
    """Make every table, print it and keep it beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of replications")
    options = parser.parse_args()
    freeze()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResultWarning)
        text = report(options.share)
    print(text)
    if options.share == 1:
        (ROOT / "benchmarks" / "results-audits.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
