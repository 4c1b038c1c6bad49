"""What the abstract and the methods of a paper say, study by study.

Every function takes the results of a paper or of one of its studies; none computes
anything, and every number comes from a result table or a manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from fahrstats.display.display_table import escape_markdown
from fahrstats.display.labels import in_sentence, listed
from fahrstats.face.saliency.regions import REGIONS, region_map
from fahrstats.report.biomarker_findings import (
    added_by,
    main_horizon,
    main_model,
    people,
    together,
)
from fahrstats.report.paper_results import PaperResults
from fahrstats.report.study_results import StudyResults

_ASKED: Final = {
    "audit": "whether scores work alike in every group of people",
    "ages": "how accurately age is read",
    "robustness": "what else moves scores",
    "saliency": "which regions of the face scores rest on",
}
_SCORES_TOLD: Final = 2
"""Scores that an abstract has room for, the first of a study."""

_SIDE: Final = 112
"""Pixels of the map of regions."""

_SHOWN: Final = 0.78
"""Share of the mean face that is shown, without what surrounds it."""


def objective(paper: PaperResults) -> str:
    """Say what the paper asks, of what its studies can answer."""
    asked = [_ASKED[role] for role in paper.studies if role != "prognosis"]
    if paper.prognosis is not None:
        asked.insert(0, _asked_of_survival(paper.prognosis))
    return f"To find out {listed(asked)}."


def _asked_of_survival(study: StudyResults) -> str:
    main = study.biomarkers[:_SCORES_TOLD]
    scores = listed([study.in_sentence(b) for b in main])
    covariates = [study.in_sentence(c) for c in study.manifest["covariates"]]
    verb = "go" if len(main) > 1 else "goes"
    beyond = f" beyond {listed(covariates)}" if covariates else ""
    outcome = in_sentence(study.manifest["outcome_label"])
    return f"whether {scores} {verb} with the hazard of {outcome}{beyond}"


def abstract_methods(paper: PaperResults) -> list[str]:
    """Say in a sentence for each study whom it is about and what was done."""
    lines = []
    if paper.prognosis is not None:
        lines.append(f"{people(paper.prognosis)} Hazard ratios are from Cox models.")
    if paper.audit is not None:
        groups = names(paper.audit, paper.audit.manifest["subgroups"])
        lines.append(f"Scores were judged in groups by {groups}.")
    if paper.ages is not None:
        lines.append(ages_compared(paper.ages, most=1))
    if paper.robustness is not None:
        lines += list(photos_changed(paper.robustness))[:1]
    if paper.saliency is not None:
        lines.append(regions_taken_away(paper.saliency))
    return lines


def abstract_results(paper: PaperResults) -> list[str]:
    """Say in a few sentences what was found, of the score that comes first above all.

    Journals allow an abstract some 300 words: of a second score there is the hazard
    ratio, of other studies what they found of their first score or model.
    """
    lines: list[str] = []
    if paper.prognosis is not None:
        lines += _prognosis_found(paper.prognosis)
    if paper.audit is not None:
        lines += _audit_found(paper.audit)
    if paper.ages is not None:
        table = paper.ages.rows("accuracy", cohort=_first_data(paper.ages))
        lines.append(paper.ages.sentences.age_errors(table, _first_model(paper.ages)))
    if paper.robustness is not None:
        lines.append(_steadiness(paper.robustness))
    if paper.saliency is not None and paper.saliency.has("region_importance"):
        table = paper.saliency.rows("region_importance")
        told = paper.saliency.sentences
        main = _first_model(paper.saliency)
        lines.append(told.looked_at(table, main, background=False))
    return [escape_markdown(line) for line in lines if line]


def _prognosis_found(study: StudyResults) -> Iterator[str]:
    if not study.biomarkers:
        return
    main, *others = study.biomarkers[:_SCORES_TOLD]
    yield _association(study, main)
    yield added_by(study, main, study.sentences.added_value)
    yield from together(study) or [_association(study, other) for other in others]


def _association(study: StudyResults, biomarker: str) -> str:
    """Say the hazard ratio of a score; empty of a study without Cox models."""
    if not study.has("cox"):
        return ""
    told: str = study.sentences.association(
        study.rows("cox", biomarker=biomarker, model=main_model(study)),
        biomarker,
        outcome=study.manifest["outcome_label"],
        adjusted_for=study.manifest["covariates"],
    )
    return told


def _audit_found(study: StudyResults) -> list[str]:
    """Name what differs between groups, of the first score that was tested."""
    for biomarker in study.biomarkers if study.has("audit_tests") else ():
        tests = study.estimated("audit_tests", biomarker=biomarker)
        differences = study.estimated("audit_differences", biomarker=biomarker)
        if len(tests):
            found: list[str] = study.sentences.group_differences(tests, differences)
            return found
    return []


def _steadiness(study: StudyResults) -> str:
    """Say how far a first model is moved by simulated changes, or from photo to photo.

    Empty of a study with neither.
    """
    model, told = _first_model(study), study.sentences
    text = ""
    if study.has("dose_response"):
        margin = study.manifest["choices"]["margin"]
        text = told.steadiness(verdicts(study), model, margin=margin)
    elif study.has("serial"):
        text = told.one_photo(study.rows("serial", subgroup="overall"), model)
    return text


def _first_model(study: StudyResults) -> str:
    return str(next(iter(study.manifest["models"])))


def _first_data(study: StudyResults) -> str:
    return str(study.manifest["data_sets"][0]["label"])


def ages_compared(study: StudyResults, *, most: int | None = None) -> str:
    """Say whose ages were compared with what, of the first few models and data sets."""
    models = listed([study.label(m) for m in [*study.manifest["models"]][:most]])
    held = study.manifest["data_sets"][:most]
    sets = listed([in_sentence(data["label"]) for data in held])
    return escape_markdown(
        f"Ages read by {models} were compared with true ages in {sets}."
    )


def photos_changed(study: StudyResults) -> Iterator[str]:
    """Say which photographs of the same people were compared."""
    if study.has("dose_response"):
        table = study.rows("dose_response")
        n = study.count(table["n"].max())
        changes = study.count(len(study.manifest["panel"]["conditions"]))
        doses = study.count(table.loc[table["severity"] > 0, "severity"].nunique())
        yield (
            f"Photographs of {n} people were changed in {changes} ways, at {doses} "
            "doses each, and read again."
        )
    pairs = [in_sentence(one["label"]) for one in study.manifest["pairs"]]
    if pairs:
        yield escape_markdown(
            f"Real pairs of photographs of the same people were compared: "
            f"{listed(pairs)}."
        )
    if study.has("serial"):
        yield "Repeated photographs of the same people were compared."


def regions_taken_away(study: StudyResults) -> str:
    """Say in how many photographs regions of the face were taken away, and how."""
    how = {
        "ablation": "by blurring one after the other",
        "occlusion": "by blurring small windows",
        "integrated-gradients": "by integrated gradients",
        "rollout": "by following attention through the network",
    }[study.manifest["choices"]["method"]]
    judged = study.rows("flow")["n"].iloc[-1] if study.has("flow") else None
    n = "" if judged is None else f" in {study.count(judged)} photographs"
    return f"The importance of regions of the face was measured{n} {how}."


def risks_judged(study: StudyResults) -> str:
    """Say how predictions at a fixed time were judged; empty where they were not."""
    horizon = main_horizon(study)
    if horizon is None:
        return ""
    return (
        f" Predicted risks at {study.amount(horizon)} were judged by the area under "
        "the ROC curve [@blanche2013], the Brier score [@graf1999] as a share of that "
        "without covariates [@kattan2018], calibration curves [@austin2020] and net "
        "benefit [@vickers2006]."
    )


def title_of(study: StudyResults, data: str) -> str:
    """Return the name of a data set where there are several to tell apart."""
    return data if len(study.manifest["data_sets"]) > 1 else ""


def in_bands(study: StudyResults, data: str) -> pd.DataFrame:
    """Return the MAE by band of age of each model that has one in some band."""
    found = study.rows("accuracy", cohort=data, subgroup="age", estimand="mae")
    return found[found.groupby("model")["estimate"].transform("count") > 0]


def errors_by_band(study: StudyResults) -> Iterator[object]:
    """Return tables of errors by band of age: of all models, or of the only one."""
    if study.has("lowest"):
        table = study.rows("accuracy")
        yield study.tables.lowest_errors(table, study.rows("lowest"))
        return
    for data in study.manifest["data_sets"]:
        bands = study.rows("accuracy", cohort=data["label"], subgroup="age")
        if bands["estimate"].notna().any():
            title = title_of(study, data["label"])
            yield study.tables.age_groups(bands, title=title)


def verdicts(study: StudyResults) -> pd.DataFrame:
    """Return what was shown of every simulated change."""
    found: pd.DataFrame = study.sentences.verdicts(
        study.rows("dose_response"), study.rows("equivalence")
    )
    return found


def families(study: StudyResults) -> dict[str, str]:
    """Return what each simulated change is one of, such as light or pose."""
    return {one["name"]: one["family"] for one in study.manifest["panel"]["conditions"]}


def robustness_found(study: StudyResults) -> Iterator[str]:
    """Say what moves each model, by simulated changes and in real pairs."""
    choices, told = study.manifest["choices"], study.sentences
    if study.has("dose_response"):
        for model in study.manifest["models"]:
            yield from told.simulated_changes(
                verdicts(study),
                model,
                margin=choices["margin"],
                families=families(study),
            )
    if study.has("model_differences"):
        yield from told.which_moves_more(study.rows("model_differences"))
    if study.has("serial"):
        repeated = study.rows("serial", subgroup="overall")
        for model in study.manifest["models"]:
            yield told.one_photo(repeated, model)


def regions_found(study: StudyResults) -> Iterator[str]:
    """Say which regions each model rests on, and whether they are the same."""
    models, told = study.manifest["models"], study.sentences
    if study.has("region_importance"):
        for model in models:
            yield told.looked_at(study.rows("region_importance"), model)
    of_pairs = ("region_tests", "overlap", "region_differences")
    if all(map(study.has, of_pairs)):
        yield from told.same_regions(*(study.rows(name) for name in of_pairs))


def painted_face(study: StudyResults) -> object | None:
    """Return the mean face with what its regions do to scores; None without one."""
    file = study.folder / study.manifest["averages_file"]
    if not (file.is_file() and study.has("region_importance")):
        return None
    with np.load(file, allow_pickle=False) as held:
        if "face" not in held.files:
            return None
        face = held["face"]
    changes = study.rows("region_importance", estimand="mean_change")
    regions = study.figures.painted_regions(changes, region_map(_SIDE), REGIONS)
    drawn: object = study.figures.face_maps(face, regions, shown=_SHOWN)
    return drawn


def names(study: StudyResults, columns: Sequence[str]) -> str:
    """Return columns as a list inside a sentence, shown as they stand."""
    if not columns:
        return ""
    return escape_markdown(listed([study.in_sentence(column) for column in columns]))
