from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from made_faces import SIZE, made_ages, made_pictures, train_quietly, write_training

import fahrstats as fs
from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import load_checkpoint, save_checkpoint
from fahrstats.face.engine import Engine
from fahrstats.face.preprocessing import prepare
from fahrstats.face.training.config import Config
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.faces.crops import open_crops
from fahrstats.face.training.tasks.survival import SurvivalTask
from fahrstats.face.training.train import _card
from fahrstats.kernels.partial_likelihood import block_sums, find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets

STAGES = ("epochs = 2\nbatch_size = 64",)
BESIDE_AGE = "[survival]\nadjust = ['age']"


def written(folder, change=lambda table: table, *, n=128, n_tune=64, **told) -> Config:
    """Write a training of survival, its labels changed, and read its file."""
    told = {"stages": STAGES, **told}
    path = write_training(folder, "survival", n=n, n_tune=n_tune, **told)
    change(pd.read_csv(folder / "labels.csv")).to_csv(
        folder / "labels.csv", index=False
    )
    return read_config(path, kind="survival")


def opened(config: Config) -> SurvivalTask:
    return SurvivalTask(config, open_crops(config.crops, cache=config.folder / "cache"))


def labels_in(folder, split="train") -> pd.DataFrame:
    return pd.read_csv(folder / "labels.csv").query(f"split == '{split}'")


def tied(table: pd.DataFrame) -> pd.DataFrame:
    """Return labels with times in whole years."""
    return table.assign(time=np.ceil(table["time"]))


def in_strata(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(stratum=np.arange(len(table)) % 3)


def kernel_loss(table: pd.DataFrame, log_hazard) -> float:
    """Minus the log partial likelihood of our Cox model at beta 1, per event."""
    strata = table["stratum"].to_numpy() if "stratum" in table else None
    event = table["event"].to_numpy(bool)
    sets = sort_risk_sets(table["time"].to_numpy(float), event, strata=strata)
    sums = block_sums(sets, find_tie_blocks(sets), log_hazard[sets.order], efron=True)
    return float(-sums.log_likelihood / event.sum())


@pytest.mark.parametrize("times", [lambda table: table, tied], ids=["as drawn", "tied"])
@pytest.mark.parametrize("strata", [lambda table: table, in_strata], ids=["one", "3"])
def test_the_loss_is_the_partial_likelihood_of_our_cox_model(tmp_path, times, strata):
    config = written(tmp_path, lambda table: strata(times(table)))
    task = opened(config)
    log_hazard = np.random.default_rng(1).normal(size=128)
    places = np.random.default_rng(2).permutation(128)[:90]
    found = task.loss(torch.from_numpy(log_hazard[places]), places)
    table = labels_in(tmp_path).iloc[places]
    wanted = kernel_loss(table, log_hazard[places])
    assert float(found) == pytest.approx(wanted, rel=1e-10)
    single = task.loss(torch.from_numpy(log_hazard[places]).float(), places)
    assert float(single) == pytest.approx(wanted, abs=1e-6)
    tuned = np.random.default_rng(3).normal(size=64)
    wanted = kernel_loss(labels_in(tmp_path, "tune"), tuned)
    assert task.error(tuned) == pytest.approx(wanted, rel=1e-10)


def test_pairs_are_ranked_where_that_is_asked_for(tmp_path):
    config = written(tmp_path, n_tune=4, more="[survival]\nloss = 'ranking'")
    table = labels_in(tmp_path)
    log_hazard = np.random.default_rng(1).normal(size=len(table))
    time, event = table["time"].to_numpy(), table["event"].to_numpy(bool)
    costs = [
        np.logaddexp(0, log_hazard[j] - log_hazard[i])
        for i in np.flatnonzero(event)
        for j in range(len(table))
        if time[j] > time[i] or (time[j] == time[i] and not event[j])
    ]
    found = opened(config).loss(torch.from_numpy(log_hazard), np.arange(len(table)))
    assert float(found) == pytest.approx(np.mean(costs), rel=1e-12)


def test_batches_share_the_events_and_hold_every_photo_once(tmp_path):
    config = written(tmp_path, in_strata)
    task = opened(config)
    batches = task.batches(config.stages[0], seed=1, epoch=0)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(128))
    event = labels_in(tmp_path)["event"].to_numpy()
    counts = [event[batch].sum() for batch in batches]
    assert [len(batch) for batch in batches] == [64, 64]
    assert max(counts) - min(counts) <= 1
    n_events = event.sum()
    told = f"128 photos of 128 subjects, {n_events} events"
    assert task.describe(config.stages[0]) == told


def test_events_are_told_once_a_subject(tmp_path):
    def in_pairs(table):  # the second photo of each is of the first one's subject
        first = table.iloc[np.arange(len(table)) // 2 * 2].reset_index(drop=True)
        subject = [f"s{i // 2}" for i in range(len(table))]
        return first.assign(photo=table["photo"], subject=subject)

    config = written(tmp_path, in_pairs)
    n_events = labels_in(tmp_path)["event"].sum() // 2
    told = f"128 photos of 64 subjects, {n_events} events"
    assert opened(config).describe(config.stages[0]) == told


def test_fewer_photos_than_a_batch_are_one_batch(tmp_path):
    config = written(tmp_path, n=40)
    assert [
        len(b) for b in opened(config).batches(config.stages[0], seed=1, epoch=0)
    ] == [40]


@pytest.mark.parametrize("strata", [lambda table: table, in_strata], ids=["one", "3"])
def test_coefficients_begin_as_those_of_age_and_sex_alone(tmp_path, strata):
    config = written(tmp_path, strata, more="[survival]\nadjust = ['age', 'sex']")
    table = labels_in(tmp_path).assign(
        age=lambda t: (t["age"] - t["age"].mean()) / t["age"].std(ddof=0),
        sex=lambda t: (t["sex"] == "m") / (t["sex"] == "m").std(ddof=0),
    )
    alone = fs.cox(
        "Surv(time, event) ~ age + sex",
        table,
        strata="stratum" if "stratum" in table else None,
    )
    learner = opened(config).learner(1)
    assert learner.coefficients is not None
    np.testing.assert_allclose(
        learner.coefficients.detach().numpy(), alone.log_hr, rtol=1e-3
    )  # the penalty is 1e-3


def test_a_face_that_says_what_age_says_is_not_pulled_towards_it(tmp_path):
    """The gradient along age is the derivative of a likelihood at its maximum."""
    pulls = []
    for name, more in (("alone", ""), ("beside", BESIDE_AGE)):
        task = opened(written(tmp_path / name, more=more))
        coefficients = task.learner(1).coefficients
        age = torch.from_numpy(made_ages(192)[:128])
        age = (age - age.mean()) / age.std(correction=0)
        slope = torch.zeros((), dtype=torch.float64, requires_grad=True)
        outputs = slope * age
        if coefficients is not None:
            extra = task.extra(np.arange(128), torch.Generator())
            outputs = outputs + (extra @ coefficients.detach()).double()
        task.loss(outputs, np.arange(128)).backward()
        pulls.append(abs(float(slope.grad)))
    assert pulls[0] > 0.3
    assert pulls[1] < 1e-4


def test_tuning_photos_are_judged_beside_age(tmp_path):
    task = opened(written(tmp_path, more=BESIDE_AGE))
    learner = task.learner(1)
    ages = made_ages(192)
    wanted = (ages[128:] - ages[:128].mean()) / ages[:128].std()
    assert task.tune_extra is not None
    np.testing.assert_allclose(task.tune_extra.numpy()[:, 0], wanted, rtol=1e-5)
    images = torch.randn(64, 3, SIZE, SIZE)
    beside, face = learner(images, task.tune_extra), learner(images)
    torch.testing.assert_close(
        beside - face, learner.coefficients * task.tune_extra[:, 0]
    )
    assert opened(written(tmp_path / "b")).tune_extra is None


def test_two_learners_of_a_task_share_nothing(tmp_path):
    task = opened(written(tmp_path, more=BESIDE_AGE))
    first, second = task.learner(1), task.learner(1)
    with torch.no_grad():
        first.coefficients += 1
    assert float((first.coefficients - second.coefficients).detach()) == pytest.approx(
        1
    )


def test_the_checkpoint_has_no_coefficients(tmp_path):
    config = written(tmp_path, more=BESIDE_AGE)
    task = opened(config)
    learner = task.learner(1)
    stored = save_checkpoint(
        tmp_path / "s.safetensors",
        _card(config, task, error=1.0),
        task.stored(learner.state_dict()),
    )
    assert stored.card.outputs == (Output("facesurvival", "log hazard"),)
    assert stored.card.accuracy == {"loss, photos it was tuned by": 1.0}
    images = torch.randn(4, 3, SIZE, SIZE)
    with torch.no_grad():
        said = learner.eval()(images).numpy()
    engine = Engine(load_checkpoint(stored.path), device="cpu", precision="float32")
    np.testing.assert_allclose(
        engine.outputs(images.numpy())[:, 0], said, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("outputs", "is_kept"),
    [
        ((Output("facesurvival", "log hazard"),), True),
        ((Output("faceage", "years"),), False),
        ((), False),
    ],
)
def test_only_a_head_of_log_hazards_is_kept(tmp_path, outputs, is_kept):
    config = written(tmp_path)
    task = opened(config)
    first = task.learner(1)
    parameters = task.stored(first.state_dict())
    if not outputs:
        parameters = {k: v for k, v in parameters.items() if "head." not in k}
    card = replace(_card(config, task, error=1.0), outputs=outputs)
    start = save_checkpoint(tmp_path / "s.safetensors", card, parameters)
    learner, fresh = task.learner(2), task.learner(2)
    task.begin(learner, start)
    for name, value in learner.encoder.state_dict().items():
        of = first if is_kept or not name.startswith("head.") else fresh
        assert torch.equal(value, of.encoder.state_dict()[name]), name


@pytest.mark.parametrize(
    ("change", "adjust", "message"),
    [
        (
            lambda table: table.drop(columns="sex"),
            "sex",
            "`adjust` holds `sex`, but the table of labels has no column `sex`",
        ),
        (
            lambda table: table.assign(age=table["age"].where(table.index > 2)),
            "age",
            "`adjust` names `age`, missing for 3 of 192 photos; complete them",
        ),
        (
            lambda table: table.assign(sex=table["sex"].where(table.index > 0)),
            "sex",
            "`adjust` names `sex`, missing for 1 of 192 photos",
        ),
        (
            lambda table: table.assign(age=44),
            "age",
            "`adjust` holds `age`, which is the same in all 128 photos",
        ),
        (
            lambda table: table.drop(columns=["time", "event"]),
            "age",
            "has no columns `time` and `event`",
        ),
        (
            lambda table: table.assign(event=table["event"] * (table.index < 128)),
            "age",
            "None of the 64 photos of the split `tune` has an `event` that was obs",
        ),
    ],
)
def test_labels_that_do_not_do_are_refused(tmp_path, change, adjust, message):
    config = written(tmp_path, change, more=f"[survival]\nadjust = ['{adjust}']")
    with pytest.raises(DataError, match=message):
        opened(config)


def test_the_oldest_whose_age_is_open_cannot_be_adjusted_for(tmp_path):
    def open_ended(table):
        return table.drop(columns="age").assign(
            age_low=50, age_high=np.where(table.index == 5, np.nan, 60)
        )

    config = written(tmp_path, open_ended, more=BESIDE_AGE)
    with pytest.raises(DataError, match="missing for 1 of 192 photos"):
        opened(config)


def held_out(n: int) -> pd.DataFrame:
    """Return people who were not learned from, whose hazard follows their age."""
    rng = np.random.default_rng(11)
    ages = rng.uniform(20, 80, n)
    death = rng.exponential(10 * np.exp(-(ages - 50) / 15))
    censoring = rng.uniform(2, 20, n)
    return pd.DataFrame(
        {
            "age": ages,
            "time": np.minimum(death, censoring),
            "event": death <= censoring,
        }
    )


def facesurvival_of(config: Config, people: pd.DataFrame) -> np.ndarray:
    """Return what a trained network says of pictures it has not seen."""
    checkpoint = train_quietly(config).checkpoint
    pictures = made_pictures(people["age"].to_numpy(), seed=5)
    inputs = prepare(pictures, checkpoint.card.preprocessing)
    return Engine(checkpoint, device="cpu", precision="float32").outputs(inputs)[:, 0]


def shuffled_ages(table: pd.DataFrame) -> pd.DataFrame:
    """Return labels whose ages have nothing to do with picture and hazard."""
    return table.assign(age=np.random.default_rng(7).permutation(table["age"]))


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["cox", "ranking"])
def test_a_signal_is_found_unless_it_is_the_age_beside_it(tmp_path, loss):
    people = held_out(400)
    c_index, slope = {}, {}
    for name, change, adjust in (
        ("alone", lambda table: table, ""),
        ("beside its age", lambda table: table, "'age'"),
        ("beside another", shuffled_ages, "'age'"),
    ):
        config = written(
            tmp_path / name,
            change,
            n=200,
            stages=("epochs = 60\nbatch_size = 64\npeak = 3e-3",),
            more=f"[survival]\nloss = '{loss}'\nadjust = [{adjust}]",
        )
        face = facesurvival_of(config, people)
        found = fs.concordance(
            "Surv(time, event) ~ face", people.assign(face=face)
        ).tidy()
        c_index[name] = float(found["estimate"].iloc[0])
        slope[name] = float(np.polyfit(people["age"] / 10, face, 1)[0])
    assert c_index["alone"] > 0.7
    assert c_index["beside another"] > 0.7
    assert abs(slope["beside its age"]) < 0.1 * slope["alone"]
