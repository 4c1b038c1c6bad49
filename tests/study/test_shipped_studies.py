"""The studies that come with the package, on their real data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sksurv.datasets import load_flchain
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv
from tables import check_table

import fahrstats as fs
from fahrstats.cohort import store
from fahrstats.datasets.folder import DATA_VARIABLE
from fahrstats.study.analyse import analyse_study
from fahrstats.study.checks import check_study
from fahrstats.study.examples import example_file
from fahrstats.study.publication.counts import COUNTS
from fahrstats.study.publication.protection import exposed
from fahrstats.study.publication.public_version import public_version
from fahrstats.study.publication.sums import known_sums

SKSURV_RTOL = 1e-7
"""scikit-survival stops iterating at 1e-9."""

EXACT = 1e-10
"""Our own numbers from data prepared in another way: rounding of units differs."""

OF_ALL = {
    *("flow", "table_one", "follow_up", "cut_points", "curves", "at_risk"),
    *("survival_at", "logrank", "survival_difference", "rmst", "cox", "ph_test"),
    *("hr_over_time", "spline", "nonlinearity", "term_tests", "influence"),
    *("concordance", "uno", "subgroups", "concordance_by", "comparison"),
    *("calibration", "calibration_groups", "calibration_curve", "predicted_risks"),
    *("decision_curve", "sample_size", "score_correlation", "joint_groups"),
    *("joint_groups_fine", "joint_curves", "joint_at_risk", "incidence"),
    *("incidence_at", "incidence_at_risk", "gray", "fine_gray", "cause_specific"),
    *("cohorts", "early_deaths", "landmarks", "cut_effects"),
    *("audit", "audit_tests", "audit_differences"),
}
"""Tables that the shipped studies of two scores have."""

_BESIDE_CHECKOUT = Path(__file__).parents[3] / "shared" / "data"
DATA = Path(os.environ.get(DATA_VARIABLE, _BESIDE_CHECKOUT))

NAMED = {"photo": "image"}
"""What the scores call the name of a portrait, and what the table of members does."""

needs_congress = pytest.mark.skipif(
    not (DATA / "congress225").is_dir(),
    reason="the data folder with congress225 is absent (set FAHRSTATS_DATA)",
)
needs_nhanes = pytest.mark.skipif(
    not (DATA / "nhanes4").is_dir(),
    reason="the data folder with nhanes4 is absent (set FAHRSTATS_DATA)",
)


@pytest.fixture(scope="module")
def flchain(tmp_path_factory):
    return analyse_study(example_file("flchain"), out=tmp_path_factory.mktemp("flc"))


@pytest.fixture(scope="module")
def nhanes(tmp_path_factory):
    out = tmp_path_factory.mktemp("nhanes")
    return analyse_study(example_file("nhanes"), DATA, out)


@pytest.fixture(scope="module")
def nhanes_audit(tmp_path_factory):
    out = tmp_path_factory.mktemp("nhanes-audit")
    return analyse_study(example_file("nhanes-audit"), DATA, out)


def congress_study(folder):
    """Return the study by name, or a copy with a stand-in where mini-age is absent."""
    from checkpoints import CARD, formula_parameters

    from fahrstats.face.checkpoints.names import shipped_checkpoints
    from fahrstats.face.checkpoints.store import save_checkpoint

    if "mini-age" in shipped_checkpoints():
        return "congress"
    stand_in = folder / "stand-in.safetensors"
    save_checkpoint(stand_in, CARD, formula_parameters())
    copy = folder / "congress"
    shutil.copytree(example_file("congress").parent, copy)
    text = (copy / "study.toml").read_text().replace('"mini-age"', f'"{stand_in}"')
    (copy / "study.toml").write_text(text)
    return str(copy)


@pytest.fixture(scope="module")
def congress(tmp_path_factory):
    """Score the portraits, analyse and report; return the results and what was said."""
    for package in ("torch", "dlib", "pypandoc", "IPython"):
        pytest.importorskip(package, reason="needs the extras baselines and report")
    out = tmp_path_factory.mktemp("congress")
    study = congress_study(tmp_path_factory.mktemp("studies"))
    program = [sys.executable, "-m", "fahrstats.cli", "run", study]
    folders = ["--data-dir", str(DATA), "--out", str(out)]
    done = subprocess.run([*program, *folders], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out, done.stdout + done.stderr


@pytest.fixture(scope="module")
def members(congress):
    """Prepare the members of Congress without the study layer."""
    people = pd.read_csv(DATA / "congress225" / "people.csv")
    for file, score in (
        ("scores-*", "benchmark_age"),
        ("facesurvival", "facesurvival"),
    ):
        (scores,) = (congress[0] / "personal").glob(f"{file}.parquet")
        table = pd.read_parquet(scores)[["photo", score]].rename(columns=NAMED)
        people = people.merge(table, on="image", how="left", validate="one_to_one")
    landmark, end = np.datetime64("2015-05-01"), np.datetime64("2024-11-01")
    rows = []
    for row in people.itertuples():
        death = "NaT" if pd.isna(row.death_date) else str(row.death_date)
        is_year = len(death) == 4
        first = np.datetime64(f"{death}-01-01" if is_year else death, "D")
        last = np.datetime64(f"{death}-12-31" if is_year else death, "D")
        if last < landmark:
            continue
        is_dead = not np.isnat(last)
        span = (max(first, landmark), min(last, end)) if is_dead else (end, end)
        time = np.mean([(day - landmark).astype(float) for day in span])
        age = (landmark - np.datetime64(row.birth_date)).astype(float) / 365.25
        face = (row.benchmark_age, row.facesurvival)
        rows.append((max(time, 0.5), is_dead, *face, age, row.sex))
    scores = ["benchmark_age", "facesurvival"]
    return pd.DataFrame(rows, columns=["days", "died", *scores, "age", "sex"])


def tables_of(results):
    names = store.read_manifest(results / "manifest.json")["tables"]
    return {n: store.read(results / "tables" / f"{n}.parquet")[0] for n in names}


@pytest.mark.slow
def test_every_table_of_flchain_keeps_the_contract(flchain):
    for table in tables_of(flchain).values():
        check_table(table)
        assert len(table)


@pytest.mark.slow
def test_flchain_counts_everyone_and_those_without_creatinine(flchain):
    flow = tables_of(flchain)["flow"]
    assert flow["n"].tolist() == [7874, 6524]
    assert flow["n_events"].tolist() == [2169, 1962]
    assert flow["column"].tolist() == ["", "creatinine"]


@pytest.mark.slow
def test_flchain_agrees_with_scikit_survival(flchain):
    covariates, outcome = load_flchain()
    flc = covariates["kappa"] + covariates["lambda"]
    is_complete = covariates["creatinine"].notna()
    X = np.column_stack(
        [flc / flc.std(), covariates["age"] / 10, covariates["sex"] == "M"]
    ).astype(float)[is_complete]
    days = np.where(outcome["futime"] == 0, 0.5, outcome["futime"])[is_complete]
    theirs = CoxPHSurvivalAnalysis(ties="efron").fit(
        X, Surv.from_arrays(outcome["death"][is_complete], days)
    )
    cox = tables_of(flchain)["cox"]
    ours = cox[(cox["biomarker"] == "flc") & (cox["model"] == "adjusted")]
    np.testing.assert_allclose(np.log(ours["estimate"]), theirs.coef_, rtol=SKSURV_RTOL)


@pytest.fixture(scope="module")
def flchain_people():
    """Prepare flchain without the study layer: days to years, the chains added up."""
    covariates, outcome = load_flchain()
    days = np.where(outcome["futime"] == 0, 0.5, outcome["futime"])
    cause = covariates["chapter"].astype(object)
    is_named = cause.isin(["Circulatory", "Neoplasms"]) | cause.isna()
    return pd.DataFrame(
        {
            "time": days / 365.25,
            "event": outcome["death"].astype(int),
            "flc": covariates["kappa"] + covariates["lambda"],
            "creatinine": covariates["creatinine"],
            "age": covariates["age"],
            "sex": covariates["sex"].astype(pd.CategoricalDtype(["F", "M"])),
            "cause": cause.where(is_named, "Other causes"),
            "year": covariates["sample.yr"].astype(str),
        }
    )


@pytest.mark.slow
def test_flchain_uses_the_whole_survival_layer(flchain):
    tables = tables_of(flchain)
    assert set(tables) == OF_ALL | {"imputed", "imputed_variables"}
    for name, table in tables.items():
        if "note" in table:
            assert not table["note"].str.startswith("not estimated").any(), name


@pytest.mark.slow
def test_flchain_agrees_with_the_verbs_called_directly(flchain, flchain_people):
    tables, people = tables_of(flchain), flchain_people
    complete = people.dropna(subset="creatinine").reset_index(drop=True)
    adjusted = "Surv(time, event) ~ flc + age + sex"
    spread = people["flc"].std()

    fit = fs.fine_gray(adjusted, complete, cause="cause", of="Circulatory")
    ours = tables["fine_gray"].query("biomarker == 'flc'")
    expected = fit.tidy(exponentiate=True, per={"flc": spread, "age": 10})
    np.testing.assert_allclose(ours["estimate"], expected["estimate"], rtol=EXACT)

    cohorts = {year: part for year, part in complete.groupby("year")}
    found = fs.meta(adjusted, cohorts, term="flc")
    ours = tables["cohorts"].query("biomarker == 'flc'")
    expected = found.tidy(exponentiate=True, per={"flc": spread})
    np.testing.assert_allclose(ours["estimate"], expected["estimate"], rtol=1e-8)
    assert ours["cohort"].nunique() == 10  # nine years, and all of them

    joint = fs.joint_risk_groups(
        "Surv(time, event) ~ age + sex", complete, scores=["flc", "creatinine"]
    )
    sd = {"flc": spread, "creatinine": complete["creatinine"].std()}
    expected = joint.tidy(exponentiate=True, sd=sd)
    ours = tables["joint_groups"].query("estimand != 'marker_sd'")
    np.testing.assert_allclose(ours["estimate"], expected["estimate"], rtol=EXACT)

    spline = fs.cox("Surv(time, event) ~ rcs(flc, 4) + age + sex", complete)
    expected = spline.nonlinearity(complete)
    ours = tables["nonlinearity"].query("biomarker == 'flc'")
    np.testing.assert_allclose(ours["statistic"], expected["statistic"], rtol=1e-8)


@pytest.mark.slow
def test_flchain_is_completed_where_creatinine_is_missing(flchain):
    tables = tables_of(flchain)
    table = tables["imputed"]
    assert list(table["n"].unique()) == [6524, 7874]
    assert tables["imputed_variables"]["n_missing"].tolist() == [1350]


@pytest.mark.slow
def test_flchain_has_corrected_measures_at_its_three_horizons(flchain):
    table = tables_of(flchain)["comparison"]
    corrected = table[table["validation"] == "optimism-corrected"]
    assert set(corrected["time"].dropna()) == {1, 5, 10}
    assert corrected["model"].nunique() == 5  # four models, and their differences


@pytest.mark.slow
@needs_nhanes
def test_all_seven_published_rows_of_phenoage_are_met_to_two_decimals(nhanes):
    table = tables_of(nhanes)["published"]
    printed = table[table["published"].notna()]
    assert len(printed) == 7
    for ours, theirs in (
        ("estimate", "published"),
        ("conf_low", "published_low"),
        ("conf_high", "published_high"),
    ):
        assert printed[ours].round(2).tolist() == printed[theirs].tolist()
    assert printed["note"].str.startswith("agrees to every printed decimal").all()
    assert (printed["n"].iloc[0], printed["n_events"].iloc[0]) == (27837, 2349)


@pytest.mark.slow
@needs_nhanes
@pytest.mark.parametrize("study", ["flchain", "nhanes", "nhanes_audit"])
def test_a_shipped_study_has_a_version_for_publication(study, request):
    """Nothing is left out but what is about single people, and no small count is."""
    tables = tables_of(results := request.getfixturevalue(study))
    public = public_version(tables, store.read_manifest(results / "manifest.json"))
    assert set(public.left_out.values()) <= {"it is about single people"}
    for table in public.tables.values():
        check_table(table)
        counts = table.reindex(columns=COUNTS).to_numpy(dtype=float)
        assert not ((counts > 0) & (counts < 10)).any()
    kept = {name: tables[name] for name in public.tables if "curves" not in name}
    sums = known_sums({n: t for n, t in kept.items() if n != "incidence"}, 10)
    assert len(public.rounding.withheld) < 15
    assert not exposed(sums, public.rounding)


@pytest.mark.slow
@needs_nhanes
def test_every_group_of_nhanes_is_audited(nhanes_audit):
    tables = tables_of(nhanes_audit)
    for table in tables.values():
        check_table(table)
    audit = tables["audit"]
    ratios = audit[audit["estimand"] == "hr"]
    assert ratios.groupby("subgroup", sort=False).size().to_dict() == {
        "overall": 1,
        **{"sex": 2, "race": 3, "edu": 5, "age_band": 4},
        "sex \N{MULTIPLICATION SIGN} race": 6,
    }
    by_race = ratios[ratios["subgroup"] == "race"]
    assert by_race["n"].sum() == 27837
    assert tables["audit_tests"]["p_value"].notna().sum() == 25


@pytest.mark.slow
@needs_nhanes
def test_predicted_risks_of_everyone_in_nhanes_come_true(nhanes_audit):
    audit = tables_of(nhanes_audit)["audit"]
    ratio = audit[audit["estimand"] == "observed_expected"].set_index("level")
    assert ratio.loc["overall", "conf_low"] < 1 < ratio.loc["overall", "conf_high"]
    assert ratio.loc["College", "conf_high"] < 0.8


@pytest.mark.slow
@needs_nhanes
def test_deaths_from_any_cause_stand_beside_the_published_rows(nhanes):
    table = tables_of(nhanes)["published"]
    others = table[table["published"].isna()]
    assert set(others["outcome"]) == {"Death from any cause"}
    assert len(others) == 7
    # 4,309 with a recorded cause, and 10 whom only `status` counts
    assert others["n_events"].iloc[0] == 4319
    assert others["n"].iloc[0] == 27837


@pytest.mark.slow
@needs_nhanes
def test_every_model_is_registered_with_the_events_of_its_outcome(nhanes):
    manifest = store.read_manifest(nhanes / "manifest.json")
    found = {
        (entry["outcome"], entry["biomarker"]): (entry["n"], entry["n_events"])
        for entry in manifest["analyses"]
        if entry["table"] in ("outcomes", "published")
    }
    assert found == {
        ("Death from an ageing-related cause", "phenoage0"): (27837, 2349),
        ("Death from an ageing-related cause", "kdm0"): (8140, 182),
        ("Death from an ageing-related cause", "phenoage_advance0"): (27837, 2349),
        ("Death from any cause", "phenoage0"): (27837, 4319),
        ("Death from any cause", "kdm0"): (8140, 371),
        ("Death from any cause", "phenoage_advance0"): (27837, 4319),
    }


@pytest.mark.slow
@needs_nhanes
def test_nhanes_uses_the_whole_survival_layer(nhanes):
    tables = tables_of(nhanes)
    further = {"gaps", "gap_hazard", "ages_by_decade", "outcomes"}
    further |= {"published", "published_check"}
    assert set(tables) == OF_ALL | further
    notes = [
        (name, note)
        for name, table in tables.items()
        if "note" in table
        for note in table["note"]
        if note.startswith("not estimated")
    ]
    # KDM age is known for two waves, followed for nine years.
    ((name, note),) = notes
    assert name == "comparison"
    assert note.startswith("not estimated: Nobody is followed beyond horizon 10")


@pytest.mark.slow
@needs_nhanes
def test_two_biological_ages_are_compared_on_the_people_who_have_both(nhanes):
    tables = tables_of(nhanes)
    for name in ("concordance", "joint_groups", "comparison", "score_correlation"):
        assert tables[name]["n"].max() == 8140, name
    cox = tables["cox"].query("model == 'adjusted' and variable == biomarker")
    assert cox["n"].tolist() == [27837, 8140]
    data = pd.read_parquet(DATA / "nhanes4" / "nhanes4.parquet")
    data = data.dropna(subset=["phenoage0", "kdm0", "time", "status"])
    assert len(data) == 8140
    pearson = tables["score_correlation"].query("estimand == 'pearson'")
    expected = data["phenoage0"].corr(data["kdm0"])
    assert pearson["estimate"].item() == pytest.approx(expected, rel=EXACT)


@pytest.mark.slow
@needs_nhanes
def test_age_and_advance_have_the_same_hazard_ratio_per_year(nhanes):
    tables = tables_of(nhanes)
    cox = tables["cox"].query("model == 'adjusted' and variable == biomarker")
    gap = tables["gap_hazard"].query("variable == 'gap'")
    np.testing.assert_allclose(
        np.log(cox["estimate"]) / 10, np.log(gap["estimate"]), rtol=1e-8
    )


@pytest.mark.slow
@needs_nhanes
def test_every_table_of_nhanes_keeps_the_contract(nhanes):
    for table in tables_of(nhanes).values():
        check_table(table)
        assert len(table)


@needs_nhanes
@pytest.mark.parametrize("column", ["diabetes", "hyperten"])
def test_flags_of_the_death_certificate_are_refused_as_covariates(tmp_path, column):
    study = shutil.copytree(example_file("nhanes").parent, tmp_path / "nhanes")
    path = study / "study.toml"
    text = path.read_text()
    path.write_text(text.replace("[covariates]", f"[covariates]\n{column} = {{}}"))
    check = check_study(path, DATA)
    assert check.cohort is None
    assert any(f"`{column}` is known for" in problem for problem in check.problems)


@pytest.mark.slow
def test_a_model_of_all_cohorts_is_listed_with_all_their_people(flchain):
    manifest = store.read_manifest(flchain / "manifest.json")
    table, _ = store.read(flchain / "tables" / "cohorts.parquet")
    averages = table[table["cohort"] == "overall"]
    listed = [a for a in manifest["analyses"] if a["table"] == "cohorts"]
    assert len(listed) == 2
    assert {entry["n"] for entry in listed} == set(averages["n"])
    assert {entry["n_events"] for entry in listed} == set(averages["n_events"])


@pytest.mark.slow
@needs_congress
def test_all_portraits_enter_of_whom_865_lived_and_67_died(congress):
    tables = tables_of(congress[0])
    for table in tables.values():
        check_table(table)
        assert len(table)
    flow = tables["flow"]
    assert flow["n"].tolist() == [879, 865]
    assert flow["n_events"].tolist() == [67, 67]
    assert flow["reason"].tolist() == ["in the table", "died before 1 May 2015"]
    photos = tables["photos"].query("subgroup == 'sex' and group == 'overall'")
    scored = photos.query("level == 'scored' and estimand == 'count'")
    assert scored["estimate"].item() >= 0.99 * 879


@pytest.mark.slow
@needs_congress
@pytest.mark.parametrize("score", ["benchmark_age", "facesurvival"])
def test_what_is_said_of_a_score_is_what_an_independent_fit_finds(
    congress, members, score
):
    tables = tables_of(congress[0])
    cox = tables["cox"].query("model == 'adjusted' and variable == @score").iloc[0]
    direct = fs.cox(f"Surv(days, died) ~ {score} + age + C(sex)", members)
    expected = direct.tidy(exponentiate=True).iloc[0]
    for name in ("estimate", "conf_low", "conf_high"):
        assert cox[name] == pytest.approx(expected[name], rel=1e-8)
    c_index = tables["concordance"].query("term == 'age'")["estimate"].item()
    assert c_index == pytest.approx(0.846, abs=0.0005)
    label = {"benchmark_age": "Benchmark face age", "facesurvival": "FaceSurvival"}
    null = f"{label[score]} showed no clear association with the hazard of death"
    clear = f"A higher {label[score]} went with a"
    page = " ".join((congress[0] / "congress.html").read_text().split())
    is_null = bool(expected["conf_low"] < 1 < expected["conf_high"])
    assert (null in page, clear in page) == (is_null, not is_null)


@pytest.mark.slow
@needs_congress
def test_an_off_the_shelf_face_age_has_the_known_hazard_ratio(congress):
    cox = tables_of(congress[0])["cox"].query("model == 'adjusted'")
    benchmark = cox.query("variable == 'benchmark_age'").iloc[0]
    assert benchmark["conf_low"] < 1 < benchmark["conf_high"]
    # 1.01 (0.98-1.04) a year.
    assert benchmark["estimate"] == pytest.approx(1.01, abs=0.005)
    assert benchmark["conf_low"] == pytest.approx(0.98, abs=0.01)
    assert benchmark["conf_high"] == pytest.approx(1.04, abs=0.01)


@pytest.mark.slow
@needs_congress
def test_the_two_scores_stand_alone_and_together_beside_the_baseline(congress):
    tables = tables_of(congress[0])
    models = set(tables["comparison"]["model"])
    assert {
        "Covariates",
        "Covariates + Face age",
        "Covariates + FaceSurvival",
        "Covariates + Benchmark face age",
        "Covariates + Face age + FaceSurvival",
    } <= models
    assert not any("Benchmark" in model and model.count("+") > 1 for model in models)
    fitted = store.read_manifest(congress[0] / "manifest.json")["photos"]["survival"]
    assert (fitted["n_subjects"], fitted["n_events"], fitted["folds"]) == (865, 67, 5)
    page = " ".join((congress[0] / "congress.html").read_text().split())
    assert "865 subjects with 67 events were dealt into 5 folds" in page
    assert "What 67 deaths can show" in page


@pytest.mark.slow
@needs_congress
def test_days_of_deaths_known_by_year_only_change_nothing(congress):
    outcomes = tables_of(congress[0])["outcomes"].query("model == 'adjusted'")
    assert outcomes["n_events"].tolist() == [67] * 9
    of_age = outcomes.query("biomarker == 'benchmark_age'")
    assert np.ptp(of_age["estimate"]) < 0.001


@pytest.mark.slow
@needs_congress
def test_no_group_of_scores_has_fewer_than_five_deaths(congress):
    groups = tables_of(congress[0])["cut_points"]
    assert groups["n_events"].min() >= 5
    assert groups.groupby("biomarker")["n_events"].sum().tolist() == [67] * 3


@pytest.mark.slow
@needs_congress
def test_no_name_and_no_row_of_a_member_leaves_the_folder_of_personal_data(congress):
    results, said = congress
    people = pd.read_csv(DATA / "congress225" / "people.csv")
    written = {"what is printed": said}
    for file in (file for file in results.rglob("*") if file.is_file()):
        if file.suffix == ".parquet":
            text = f"{store.read_provenance(file)} {pd.read_parquet(file).to_csv()}"
        else:
            text = file.read_text()
        written[str(file.relative_to(results))] = text
    personal = {name for name in written if name.startswith("personal/")}
    assert len(personal) == 6  # scores, embeddings, follow-up and FaceSurvival
    for name, text in written.items():
        # The scores alone name photos, and never people.
        secrets = [] if name in personal else list(people["bioguide_id"])
        found = [s for s in (*people["full_name"], *secrets) if s in text]
        assert not found, f"{len(found)} people are named in {name}"
