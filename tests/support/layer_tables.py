"""Small result tables of the further analyses of a study, with invented numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fahrstats.columns import in_order

SCORES = ("flc", "creatinine")
SIZES = {"n": 600, "n_events": 240}
BASE, SMALL = "Covariates", "Covariates + Free light chain"
OTHER, LARGE = "Covariates + Creatinine", f"{SMALL} + Creatinine"
MODELS = (BASE, SMALL, OTHER, LARGE)
HORIZONS = (2.0, 5.0)
APPARENT, CORRECTED = "apparent", "optimism-corrected"
WARNING = "Net reclassification can be large for a marker that says nothing."
NAN = float("nan")
GROUPS = ("Q1", "Q2", "Q3", "Q4")
BEST = "best cut point"


def layer_tables() -> dict[str, pd.DataFrame]:
    """Return every further table of a study of two scores."""
    of_one = {
        "gaps": _gaps(),
        "gap_hazard": _gap_hazard(),
        "ages_by_decade": _ages_by_decade(),
        "survival_difference": _survival_difference(),
        "rmst": _rmst(),
        "incidence": _incidence(np.linspace(0, 8, 20)),
        "incidence_at": _incidence(np.array(HORIZONS)),
        "incidence_at_risk": _at_risk(),
        "gray": _gray(),
        "fine_gray": _fine_gray(),
        "cause_specific": _cause_specific(),
        "spline": _spline(),
        "nonlinearity": _nonlinearity(),
        "hr_over_time": _hr_over_time(),
        "term_tests": _term_tests(),
        "imputed": _imputed(),
        "cohorts": _cohorts(),
        "influence": _influence(),
        "early_deaths": _early_deaths(),
        "landmarks": _landmarks(),
        "cut_effects": _cut_effects(),
        "outcomes": _outcomes(),
    }
    made = {name: for_both(table) for name, table in of_one.items()} | {
        "comparison": comparison(),
        "calibration_groups": _calibration_groups(),
        "calibration_curve": _calibration_curve(),
        "predicted_risks": _predicted_risks(),
        "decision_curve": _decision_curve(),
        "sample_size": _sample_size(),
        "uno": _uno(),
        "concordance_by": _concordance_by(),
        "score_correlation": _score_correlation(),
        "joint_groups": _joint(("low", "high")),
        "joint_groups_fine": _joint(GROUPS),
        "joint_curves": _joint_curves(),
        "imputed_variables": _imputed_variables(),
        "published_check": _published_check(),
        "photos": _photos(),
    }
    return {name: table[in_order(table.columns)] for name, table in made.items()}


def for_both(table: pd.DataFrame) -> pd.DataFrame:
    """Repeat the rows about the first score for the second one."""
    first, second = SCORES
    if "biomarker" not in table:
        table = table.assign(biomarker=first)
    of_second = table
    for column in ("variable", "term"):
        if column in table:
            of_second = of_second[of_second[column] != second]
    renamed = of_second.replace({first: second, f"{first}_group": f"{second}_group"})
    if "term" in renamed:
        renamed = renamed.assign(
            term=renamed["term"].str.replace(f"{first}_group[", f"{second}_group[")
        )
    return pd.concat([table, renamed], ignore_index=True)


def _landmarks() -> pd.DataFrame:
    """Return all follow-up, and what is left of it after one and two years."""
    rows = [
        {
            "model": "adjusted",
            "variable": "flc",
            "term": "flc",
            "per": "SD",
            "time": time,
            **_limits("hr", estimate),
            "n": 600 - gone,
            "n_events": 240 - gone,
            "n_removed": gone,
            "n_removed_events": gone,
            "note": "",
        }
        for time, estimate, gone in ((0.0, 1.5, 0), (1.0, 1.45, 40), (2.0, 1.3, 90))
    ]
    return pd.DataFrame(rows)


def _cut_effects() -> pd.DataFrame:
    """Return hazard ratios above three cut points, the last chosen, and its test."""
    cuts = ((2.5, 0.5, "median"), (3.1, 0.67, "tertiles"), (4.2, 0.81, BEST))
    rows = []
    for value, share, origin in cuts:
        about = {"variable": "flc", "value": value, "quantile": share, "origin": origin}
        for model, size in (("unadjusted", 1.2), ("adjusted", 1.1)):
            ratio = {**about, "model": model, **_limits("hr", size + share)}
            is_best = origin == BEST
            p_value = NAN if is_best else 0.012
            note = "chosen for the outcome" if is_best else ""
            rows.append({**ratio, **SIZES, "p_value": p_value, "note": note})
    test = {**about, "model": BEST, "estimand": "max_logrank_chi2", "statistic": 9.0}
    test |= {"df": 1, "p_value": 0.0027, "p_adjusted": 0.041, **SIZES, "note": ""}
    return pd.DataFrame([*rows, test])


def _limits(estimand: str, estimate: float) -> dict[str, object]:
    """Return an estimate with limits around it, and its test."""
    return {
        "estimand": estimand,
        "estimate": estimate,
        "statistic": 3.0,
        "p_value": 0.003,
        "conf_low": estimate - 0.1,
        "conf_high": estimate + 0.2,
    }


def refused(table: pd.DataFrame, estimand: str) -> pd.DataFrame:
    """Return a table whose only row says why there is no estimate."""
    row = {"estimand": estimand, "estimate": NAN, "note": "not estimated: too short."}
    return pd.DataFrame([row | SIZES]).reindex(columns=[*table.columns])


def comparison() -> pd.DataFrame:
    """Four models, every measure of each and every difference, at two horizons."""
    table = pd.DataFrame([*_of_models(), *_of_pairs()]).assign(**SIZES)
    table["note"] = table["note"].fillna("")
    return table.assign(
        conf_low=table["estimate"] - 0.01, conf_high=table["estimate"] + 0.02
    )


def _of_models() -> Iterator[dict[str, object]]:
    for k, model in enumerate(MODELS):
        about = {"model": model, "term": ""}
        for name, value in (("log_likelihood", -1400.0 + k), ("aic", 2802.0 - k)):
            yield about | {"estimand": name, "validation": "", "estimate": value}
        for validation in (APPARENT, CORRECTED):
            shared = about | {"validation": validation}
            for name, value in (("c_index", 0.7), ("calibration_slope", 1.0)):
                yield shared | {"estimand": name, "estimate": value + k / 100}
            for time in HORIZONS:
                for name in ("auc", "brier", "ipa", "oe_ratio", "ici", "e50", "e90"):
                    yield shared | {"estimand": name, "time": time, "estimate": 0.1}


def _of_pairs() -> Iterator[dict[str, object]]:
    for i, small in enumerate(MODELS):
        for large in MODELS[i + 1 :]:
            yield from _of_pair(small, large)


def _of_pair(small: str, large: str) -> Iterator[dict[str, object]]:
    about = {"model": "", "term": f"{large} - {small}"}
    tested = {"statistic": 2.1, "p_value": 0.036}
    if {small, large} == {SMALL, OTHER}:
        yield about | tested | {"estimand": "delta_log_likelihood", "estimate": -3.0}
        yield about | {
            "estimand": "lr_chi2",
            "note": f"`{small}` is not nested in `{large}`",
        }
    else:
        yield about | tested | {"estimand": "lr_chi2", "df": 1.0}
        yield about | {
            "estimand": "new_information",
            "validation": APPARENT,
            "estimate": 0.084,
        }
    for validation in (APPARENT, CORRECTED):
        shared = about | {"validation": validation}
        z = tested if validation == APPARENT else {}
        yield shared | z | {"estimand": "delta_c_index", "estimate": 0.012}
        for time in HORIZONS:
            at = shared | {"time": time}
            for name in ("delta_auc", "delta_brier", "delta_ipa"):
                yield at | z | {"estimand": name, "estimate": 0.017}
            for name in ("idi", "nri", "nri_events", "nri_nonevents"):
                yield at | {"estimand": name, "estimate": 0.05, "note": WARNING}


def _interval(estimate: float, p_value: float = 0.004) -> dict[str, object]:
    return {
        "estimate": estimate,
        "conf_low": estimate - 0.1 * abs(estimate),
        "conf_high": estimate + 0.2 * abs(estimate),
        "p_value": p_value,
        "statistic": 2.9,
        "note": "",
    }


def _ratios(
    estimand: str, estimate: float = 1.3, **about: object
) -> list[dict[str, object]]:
    """Rows of a model of the score and two covariates."""
    rows = [
        {"variable": "flc", "term": "flc", "per": "SD"},
        {"variable": "age", "term": "age", "per": "10"},
        {"variable": "sex", "term": "sex[T.M]", "per": "", "reference": "F"},
    ]
    return [
        row | _interval(estimate) | {"estimand": estimand} | SIZES | about
        for row in rows
    ]


def _gaps() -> pd.DataFrame:
    names = {"mean": -3.6, "sd": 6.3, "median": -4.7, "q1": -7.8, "q3": -0.8}
    rows = [
        {"group": group, "level": "", "variable": kind, "estimand": name, "n": n}
        | _interval(value)
        for kind in ("gap", "residual_gap", "sd_gap")
        for group, n in (
            ("overall", 600),
            ("at least 5 years younger", 280),
            ("between", 290),
            ("at least 10 years older", 30),
        )
        for name, value in names.items()
    ]
    return pd.DataFrame(rows)


def _ages_by_decade() -> pd.DataFrame:
    spread = {"median": 0, "q1": -4, "q3": 5, "mean": 1, "sd": 7, "p5": -9, "p95": 12}
    rows = [
        {"group": group, "level": "", "variable": SCORES[0], "estimand": name}
        | {"estimate": float(middle + away), "n": n, "n_missing": 0}
        for group, middle, n in (("overall", 60, 600), ("60 to 69", 63, 210))
        for name, away in spread.items()
    ]
    return pd.DataFrame(rows)


def _photos() -> pd.DataFrame:
    rows = []
    for subgroup, groups in (("sex", ("F", "M")), ("age_band", ("65 or less",))):
        for group in ("overall", *groups):
            about = {"subgroup": subgroup, "group": group, "n": 300, "n_missing": 0}
            status = about | {"variable": "photo_status"}
            for level, count in (("scored", 297.0), ("no face found", 3.0)):
                of_level = status | {"level": level}
                rows.append(of_level | {"estimand": "count", "estimate": count})
                rows.append(of_level | {"estimand": "percent", "estimate": count / 3})
            blur = about | {"variable": "photo_blur", "level": ""}
            for name, value in (("median", 0.2), ("q1", 0.1), ("q3", 0.4)):
                rows.append(blur | {"estimand": name, "estimate": value})
    return pd.DataFrame(rows).sort_values(["subgroup", "variable"], kind="stable")


def _gap_hazard() -> pd.DataFrame:
    row = {"model": "adjusted", "variable": "gap", "term": "gap", "per": "1"}
    return pd.DataFrame([row | _interval(1.06) | {"estimand": "hr"} | SIZES])


def _survival_difference() -> pd.DataFrame:
    rows = []
    for time in HORIZONS:
        for k, group in enumerate(GROUPS):
            about = {"group": group, "time": time, "note": ""} | SIZES
            rows.append(
                {**about, "reference": "", "estimand": "survival"}
                | {"estimate": 0.9 - k / 10, "conf_low": 0.4, "conf_high": 0.95}
            )
            if k:
                rows.append(
                    {**about, "reference": "Q1", "estimand": "delta_survival"}
                    | {"estimate": -k / 10, "conf_low": -0.4, "conf_high": -0.02}
                )
    return pd.DataFrame(rows).sort_values("estimand", ascending=False)


def _rmst() -> pd.DataFrame:
    rows = []
    for k, group in enumerate(GROUPS):
        about = {"group": group, "time": 5.0, "note": ""} | SIZES
        mean = {"estimate": 4.8 - k / 5, "conf_low": 3.9, "conf_high": 4.9}
        rows.append({**about, "reference": "", "estimand": "rmst"} | mean)
        if k:
            change = {"estimate": -k / 5, "conf_low": -0.9, "conf_high": -0.1}
            rows.append(
                {**about, "reference": "Q1", "estimand": "delta_rmst", "p_value": 0.016}
                | change
            )
            ratio = {"estimate": 0.96, "conf_low": 0.93, "conf_high": 0.99}
            rows.append({**about, "reference": "Q1", "estimand": "rmst_ratio"} | ratio)
    return pd.DataFrame(rows)


def _incidence(times: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "cause": cause,
            "group": group,
            "estimand": "cumulative_incidence",
            "time": float(time),
            "estimate": 0.02 * time * (k + 1),
            "conf_low": 0.015 * time * (k + 1),
            "conf_high": 0.025 * time * (k + 1),
            "n_at_risk": 100,
        }
        for cause in ("Heart", "Other")
        for k, group in enumerate(GROUPS)
        for time in times
    ]
    return pd.DataFrame(rows)


def _at_risk() -> pd.DataFrame:
    rows = [
        {"group": group, "time": time, "n_at_risk": int(150 - 15 * time)}
        for group in GROUPS
        for time in (0.0, 2.0, 4.0, 6.0, 8.0)
    ]
    return pd.DataFrame(rows)


def _gray() -> pd.DataFrame:
    rows = [
        {"cause": cause, "estimand": "gray_chi2", "statistic": 12.3, "df": 3}
        | {"p_value": p_value, "note": ""}
        | SIZES
        for cause, p_value in (("Heart", 0.006), ("Other", 0.78))
    ]
    return pd.DataFrame(rows)


def _fine_gray() -> pd.DataFrame:
    about = {"cause": "Heart", "model": "adjusted", "n_events": 130}
    return pd.DataFrame(_ratios("shr", 1.13, **about, n_competing=110))


def _cause_specific() -> pd.DataFrame:
    rows = _ratios("hr", cause="Heart", model="adjusted", n_events=130)
    rows += _ratios("hr", cause="Other", model="adjusted", n_events=110)
    return pd.DataFrame(rows)


def _spline() -> pd.DataFrame:
    values = np.linspace(0.5, 3.0, 25)
    ratio = np.exp(0.4 * (values - 1))
    return pd.DataFrame(
        {
            "model": "adjusted",
            "variable": "flc",
            "value": values,
            "reference": "1.0",
            "estimand": "hr",
            "estimate": ratio,
            "conf_low": 0.9 * ratio,
            "conf_high": 1.1 * ratio,
            "note": "",
            **SIZES,
        }
    )


def _nonlinearity() -> pd.DataFrame:
    rows = [
        {"variable": "flc", "term": "rcs(flc, 4)", "estimand": name, "df": df}
        | {"statistic": value, "p_value": p_value, "note": "", "model": "adjusted"}
        | SIZES
        for name, value, df, p_value in (
            ("wald_chi2", 14.1, 3, 0.003),
            ("nonlinear_wald_chi2", 2.5, 2, 0.29),
            ("nonlinear_lr_chi2", 2.6, 2, 0.27),
        )
    ]
    return pd.DataFrame(rows)


def _hr_over_time() -> pd.DataFrame:
    times = np.linspace(0.1, 8, 15)
    return pd.DataFrame(
        {
            "model": "adjusted",
            "variable": "flc",
            "term": "flc",
            "per": "SD",
            "estimand": "hr",
            "time": times,
            "estimate": 1.5 - 0.02 * times,
            "conf_low": 1.2 - 0.02 * times,
            "conf_high": 1.9 - 0.02 * times,
        }
    )


def _term_tests() -> pd.DataFrame:
    rows = [
        {"model": "adjusted", "variable": name, "term": name, "estimand": "lr_chi2"}
        | {"statistic": value, "df": 1, "p_value": 0.0007, "note": ""}
        | SIZES
        for name, value in (("flc", 11.33), ("age", 66.4), ("sex", 5.7))
    ]
    return pd.DataFrame(rows)


def _imputed() -> pd.DataFrame:
    rows = _ratios("hr", 1.25, model="complete case")
    rows += _ratios("hr", 1.26, model="imputed", n=700, n_events=260)
    return pd.DataFrame(rows)


def _cohorts() -> pd.DataFrame:
    about = {"term": "flc", "per": "SD", "scale": "identity", "model": "adjusted"}
    single = [
        {"cohort": cohort, "estimand": "hr", "weight": weight, "n": 200, "n_events": 80}
        | _interval(estimate)
        for cohort, estimate, weight in (
            ("A", 1.2, 0.2),
            ("B", 1.4, 0.5),
            ("C", 1.3, 0.3),
        )
    ]
    together = [
        {"cohort": "overall", "estimand": f"hr_{kind}"} | _interval(1.34) | SIZES
        for kind in ("random", "common", "prediction")
    ]
    rest = [
        {"estimand": "tau_squared", "estimate": 0.01, "conf_low": 0, "conf_high": 0.4},
        {"estimand": "i_squared", "estimate": 0.3, "conf_low": 0, "conf_high": 0.9},
        {"estimand": "heterogeneity_chi2", "statistic": 1.0, "df": 2, "p_value": 0.61},
    ]
    of_all = [{"cohort": "overall", "note": ""} | row | SIZES for row in rest]
    return pd.DataFrame([about | row for row in (*single, *together, *of_all)])


def _influence() -> pd.DataFrame:
    rows = [
        {"model": "adjusted", "term": term, "estimand": name, "estimate": value}
        | {"note": "rows beyond 0.08" if name == "n_influential" else ""}
        | SIZES
        for term in ("flc", "age")
        for name, value in (
            ("max_dfbetas", 0.23),
            ("delta_log_hr", -0.018),
            ("n_influential", 22.0),
        )
    ]
    return pd.DataFrame(rows)


def _early_deaths() -> pd.DataFrame:
    counts = {"time": 1.0, "n": 590, "n_events": 25, "n_censored": 10}
    rows = _ratios("or", 1.35, model="censored before it excluded", **counts)
    rows += _ratios("or", 1.36, model="censored before it weighted", **counts)
    return pd.DataFrame(rows)


def _outcomes() -> pd.DataFrame:
    rows = [
        row | {"outcome": outcome, "model": model}
        for outcome in ("Death", "Stroke")
        for model in ("unadjusted", "adjusted")
        for row in _ratios("hr")[:1]
    ]
    return pd.DataFrame(rows)


def _calibration_groups() -> pd.DataFrame:
    rows = [
        {"group": f"Q{k}", "term": model, "estimand": "observed_risk", "time": time}
        | {"predicted": k / 12, "estimate": k / 11.5, "note": ""}
        | {"conf_low": k / 14, "conf_high": k / 10}
        for model in MODELS
        for time in HORIZONS
        for k in range(1, 6)
    ]
    return pd.DataFrame(rows)


def _calibration_curve() -> pd.DataFrame:
    rows = [
        {"term": model, "estimand": "smooth_observed_risk", "time": time}
        | {"predicted": risk, "estimate": 0.98 * risk}
        | {"conf_low": 0.9 * risk, "conf_high": 1.05 * risk}
        for model in MODELS
        for time in HORIZONS
        for risk in np.linspace(0.05, 0.6, 12)
    ]
    return pd.DataFrame(rows)


def _predicted_risks() -> pd.DataFrame:
    rows = [
        {"term": model, "estimand": "bin", "time": time, "predicted": risk, "n": 40}
        for model in MODELS
        for time in HORIZONS
        for risk in np.linspace(0.025, 0.575, 12)
    ]
    return pd.DataFrame(rows)


def _decision_curve() -> pd.DataFrame:
    rows = [
        {"term": term, "estimand": "net_benefit", "validation": validation}
        | {"time": time, "threshold": threshold, "estimate": 0.2 - threshold / 3}
        | {"conf_low": 0.1 - threshold / 3, "conf_high": 0.3 - threshold / 3}
        for term in (*MODELS, "treat all", "treat none")
        for validation in (APPARENT, CORRECTED)
        if validation == APPARENT or term in MODELS
        for time in HORIZONS
        for threshold in (0.05, 0.2, 0.4, 0.9)
    ]
    return pd.DataFrame(rows)


def _sample_size() -> pd.DataFrame:
    rows = [
        {"term": term, "estimand": name, "estimate": value, "n": n, "n_events": n // 3}
        for term, n, per in (
            ("this study", 600, 60.0),
            ("shrinkage of at least 0.9", 875, 52.5),
            ("risk at 5 to within 0.05", 207, 12.4),
            ("standard error of 0.0255", 415, NAN),
        )
        for name, value in (("sample_size", n), ("events_per_coefficient", per))
    ]
    return pd.DataFrame(rows).assign(model=LARGE, note="")


def _uno() -> pd.DataFrame:
    rows = [
        {"term": "flc", "estimand": "c_index"} | _interval(0.6),
        {"term": "creatinine", "estimand": "c_index"} | _interval(0.58),
        {"term": "flc - creatinine", "estimand": "delta_c_index", "p_adjusted": 0.071}
        | _interval(0.02, 0.029),
    ]
    return pd.DataFrame(rows).assign(time=5.0, time_weight="n/G2", **SIZES)


def _concordance_by() -> pd.DataFrame:
    levels = (("overall", "overall"), ("sex", "F"), ("sex", "M"))
    rows = [
        {"subgroup": subgroup, "level": level, "term": term, "estimand": "c_index"}
        | _interval(0.6)
        for subgroup, level in levels
        for term in SCORES
    ]
    rows += [
        {"subgroup": "sex", "level": "", "term": term, "estimand": "heterogeneity_chi2"}
        | {"statistic": 0.1, "df": 1, "p_value": p_value, "note": ""}
        for term, p_value in zip(SCORES, (0.74, 0.065), strict=True)
    ]
    return pd.DataFrame(rows).assign(**SIZES)


def _score_correlation() -> pd.DataFrame:
    rows = [
        {"subgroup": "overall", "level": "overall", "term": "flc and creatinine"}
        | {"estimand": name, "model": model}
        | _interval(value)
        for name, model, value in (
            ("pearson", "unadjusted", 0.55),
            ("spearman", "unadjusted", 0.29),
            ("partial_pearson", "adjusted", 0.54),
            ("partial_spearman", "adjusted", 0.24),
        )
    ]
    return pd.DataFrame(rows).assign(n=600)


def _joint(levels: tuple[str, ...]) -> pd.DataFrame:
    first, second = SCORES
    cells = [
        {
            "model": "groups of both",
            "group": f"{first} {a}, {second} {b}",
            "first_group": a,
            "second_group": b,
            "estimand": "hr",
            **_interval(1 + i / 10 + j / 20),
            "n": 150,
            "n_events": 60,
            "note": "" if i or j else "reference",
        }
        for i, a in enumerate(levels)
        for j, b in enumerate(levels)
    ]
    cells[0] |= {"estimate": 1.0, "conf_low": NAN, "conf_high": NAN, "p_value": NAN}
    joint = [
        {"estimand": "interaction_chi2", "statistic": 5.0, "df": 1, "p_value": 0.025},
        {"estimand": "reri"} | _interval(0.27),
    ]
    both = f"{first} + {second}"
    scores = [
        {"model": model, "term": term, "per": per, "estimand": "hr"}
        | _interval(1.29 if term == first else 0.98)
        for model, term in (
            (first, first),
            (second, second),
            (both, first),
            (both, second),
        )
        for per in ("1", "SD")
    ]
    product = {"model": f"{first} * {second}", "term": f"{first}:{second}", "per": "SD"}
    product |= {"estimand": "hr_ratio"} | _interval(0.97, 0.013)
    rows = [*cells, *({"model": "groups of both"} | row for row in joint)]
    table = pd.DataFrame([*rows, *({**SIZES, **row} for row in (*scores, product))])
    texts = ["group", "first_group", "second_group", "term", "per", "note"]
    return table.assign(**{name: table[name].fillna("") for name in texts})


def _joint_curves() -> pd.DataFrame:
    rows = [
        {"group": f"{a}, {b}", "first_group": a, "second_group": b, "time": time}
        | {"estimand": "survival", "estimate": 1 - 0.05 * time}
        for a in ("low", "high")
        for b in ("low", "high")
        for time in np.linspace(0, 8, 9)
    ]
    return pd.DataFrame(rows)


def _imputed_variables() -> pd.DataFrame:
    method = "predictive mean matching, 5 donors"
    row = {"variable": "creatinine", "n": 700, "n_missing": 100, "note": method}
    return pd.DataFrame([row])


def _published_check() -> pd.DataFrame:
    rows = [
        ("overall", "overall", 1.47, 1.42, 1.51, 1e-90, 1e-95, 1e-80, ""),
        ("sex", "M", 1.2, 0.9, 1.5, 0.162, 0.073, 0.36, "P differs"),
    ]
    names = ["subgroup", "level", "published", "published_low", "published_high"]
    names += ["p_value", "p_low", "p_high", "note"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(term="flc", outcome="Death", estimand="ratio")
