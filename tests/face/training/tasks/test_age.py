from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from crop_files import write_crops
from made_faces import (
    CONVOLUTIONAL,
    MARGIN,
    SIZE,
    VIT,
    made_ages,
    made_pictures,
    open_job,
    write_training,
)

from fahrstats.errors import DataError, ResultWarning
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import Checkpoint, save_checkpoint
from fahrstats.face.engine import Engine
from fahrstats.face.training.config import Config
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.faces.crops import open_crops
from fahrstats.face.training.learner import Learner, new_network
from fahrstats.face.training.tasks.age import AgeTask
from fahrstats.face.training.train import _card


def written(folder, change=lambda table: table, more="", **told) -> Config:
    """Write a training of ages, its labels changed, and read its file."""
    path = write_training(folder, more=more, **told)
    change(pd.read_csv(folder / "labels.csv")).to_csv(
        folder / "labels.csv", index=False
    )
    return read_config(path, kind="age")


def opened(config: Config) -> AgeTask:
    return AgeTask(config, open_crops(config.crops, cache=config.folder / "cache"))


def in_bins(table: pd.DataFrame) -> pd.DataFrame:
    """Return labels with every second age known to its decade only, the oldest open."""
    low = table["age"] // 10 * 10
    is_bin = np.arange(len(table)) % 2 == 0
    return table.assign(
        age=table["age"].where(~is_bin),
        age_low=low.where(is_bin),
        age_high=(low + 10).where(is_bin & (low < 70)),
    )


def checkpoint_of(task: AgeTask, config: Config, learner: Learner, path) -> Checkpoint:
    """Store what was trained as a checkpoint."""
    return save_checkpoint(
        path, _card(config, task, error=3.0), task.stored(learner.state_dict())
    )


def moved(learner: Learner) -> Learner:
    """Return a learner with no parameter left at 0."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in learner.parameters():
            value += 0.1 * torch.randn(value.shape, generator=generator)
    return learner.eval()


@pytest.mark.parametrize("network", [CONVOLUTIONAL, VIT])
def test_what_is_stored_gives_years(tmp_path, network):
    config = written(tmp_path, network=network)
    task = opened(config)
    learner = moved(task.learner(1))
    stored = checkpoint_of(task, config, learner, tmp_path / "a.safetensors")
    images = torch.randn(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        said = learner(images).double().numpy()
    ages = made_ages(80)[:64]
    engine = Engine(stored, device="cpu", precision="float32")
    np.testing.assert_allclose(
        engine.outputs(images.numpy())[:, 0],
        said * ages.std() + ages.mean(),
        rtol=1e-4,  # float32; the head's products are added in another order
    )


@pytest.mark.parametrize("network", [CONVOLUTIONAL, VIT])
def test_a_stage_begins_where_the_one_before_ended(tmp_path, network):
    config = written(tmp_path, network=network)
    task = opened(config)
    before = moved(task.learner(1))
    stored = checkpoint_of(task, config, before, tmp_path / "a.safetensors")
    after = task.learner(2)
    task.begin(after, stored)
    for name, value in before.state_dict().items():
        torch.testing.assert_close(
            after.state_dict()[name], value, rtol=1e-5, atol=1e-5, msg=name
        )


def test_ages_of_another_cohort_begin_as_the_same_years(tmp_path):
    config = written(tmp_path / "a")
    first = opened(config)
    before = moved(first.learner(1))
    stored = checkpoint_of(first, config, before, tmp_path / "a.safetensors")
    older = opened(
        written(tmp_path / "b", lambda table: table.assign(age=10 + table["age"] / 2))
    )
    after = older.learner(2).eval()
    older.begin(after, stored)
    images = torch.randn(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        years = [
            one._years(learner(images))
            for one, learner in ((first, before), (older, after))
        ]
    torch.testing.assert_close(*years, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("outputs", [(), (Output("facesurvival", "log hazard"),)])
def test_a_head_of_something_else_is_not_kept(tmp_path, outputs):
    config = written(tmp_path)
    task = opened(config)
    network = new_network(config.architecture, len(outputs), seed=9)
    card = replace(_card(config, task, error=float("nan")), outputs=outputs)
    other = save_checkpoint(tmp_path / "o.safetensors", card, network.state_dict())
    learner, fresh = task.learner(2), task.learner(2)
    task.begin(learner, other)
    for name, value in learner.encoder.state_dict().items():
        of = fresh.encoder if name.startswith("head.") else network
        assert torch.equal(value, of.state_dict()[name]), name


def test_the_error_is_the_mean_over_bins_of_distances_to_the_age(tmp_path):
    config = written(tmp_path, in_bins, n_tune=30)
    task = opened(config)
    predicted = np.random.default_rng(1).uniform(0, 100, 30)
    table = pd.read_csv(tmp_path / "labels.csv").query("split == 'tune'")
    by_bin: dict[int, list[float]] = {}
    edges = [0, 3, 10, 20, 30, 40, 50, 60, 70]
    for row, one in zip(table.itertuples(), predicted, strict=True):
        if np.isnan(row.age):
            high = np.inf if np.isnan(row.age_high) else row.age_high
            wrong = max(row.age_low - one, 0.0) + max(one - high, 0.0)
            age = row.age_low
        else:
            wrong, age = abs(one - row.age), row.age
        by_bin.setdefault(sum(age >= edge for edge in edges), []).append(wrong)
    assert len(by_bin) == 6
    wanted = sum(sum(errors) / len(errors) for errors in by_bin.values()) / len(by_bin)
    outputs = (predicted - task._centre) / task._scale
    assert task.error(outputs) == pytest.approx(wanted, rel=1e-12)


def test_the_loss_is_in_years_and_knows_intervals(tmp_path):
    task = opened(written(tmp_path, in_bins, more="[age]\nloss = 'l1'"))
    places = np.array([1, 3, 5])  # known exactly
    ages = made_ages(80)[places]
    outputs = torch.from_numpy((np.add(ages, [1, 2, -6]) - task._centre) / task._scale)
    assert float(task.loss(outputs, places)) == pytest.approx(3.0, rel=1e-12)
    inside = np.array([0])
    low = made_ages(80)[0] // 10 * 10
    costs = []
    for age in (low - 20, low + 5, low + 30):
        output = torch.tensor([(age - task._centre) / task._scale])
        costs.append(float(task.loss(output, inside)))
    assert costs[1] < min(costs[0], costs[2]) / 3


def test_options_of_the_loss_are_passed_on(tmp_path):
    ages = made_ages(80)
    for lines, wanted in (
        ("loss = 'huber'\ndelta = 4", 10 - 4 / 2),
        ("loss = 'huber'\ndelta = 20", 10**2 / (2 * 20)),
    ):
        task = opened(written(tmp_path, more=f"[age]\n{lines}"))
        output = torch.tensor([(ages[2] + 10 - task._centre) / task._scale])
        cost = task.loss(output.double(), np.array([2]))
        assert float(cost) == pytest.approx(wanted, rel=1e-6)


def test_balanced_draws_hold_all_bins_alike_and_say_what_they_are_worth(tmp_path):
    def mostly_old(table):
        return table.assign(age=np.where(np.arange(len(table)) % 8, 65.0, 25.0))

    config = written(tmp_path, mostly_old, stages=("epochs = 1\nbatch_size = 16",) * 2)
    task = opened(config)
    stage = config.stages[0]
    plain = np.concatenate(task.batches(stage, seed=1, epoch=0))
    np.testing.assert_array_equal(np.sort(plain), np.arange(64))
    assert task.describe(stage) == "64 photos of 64 subjects"
    stage = replace(stage, balanced=True)
    batches = task.batches(stage, seed=1, epoch=0)
    assert [len(batch) for batch in batches] == [16] * 4
    is_young = np.concatenate(batches) % 8 == 0
    assert is_young.sum() == 32
    # Kish: 8 photos of weight 1/16 and 56 of weight 1/112
    worth = 1 / (8 / 16**2 + 56 / 112**2)
    assert task.describe(stage) == (
        "64 photos of 64 subjects, balanced over 2 age bins: an effective sample of "
        f"{worth:.0f}"
    )


def test_a_balanced_batch_is_no_larger_than_the_photos(tmp_path):
    config = written(tmp_path, stages=("epochs = 1\nbalanced = true",), n=20)
    task = opened(config)
    assert [len(b) for b in task.batches(config.stages[0], seed=1, epoch=0)] == [20]


@pytest.mark.parametrize(
    ("low", "high", "centre"), [(20.0, 30.0, 25.0), (70.0, None, 70.0)]
)
def test_intervals_that_are_all_the_same_can_be_learned(tmp_path, low, high, centre):
    def same(table):
        return table.drop(columns="age").assign(age_low=low, age_high=high)

    config = written(tmp_path, same)
    task = opened(config)
    learner = moved(task.learner(1))
    stored = checkpoint_of(task, config, learner, tmp_path / "a.safetensors")
    head = learner.encoder.state_dict()["head.bias"]
    torch.testing.assert_close(stored.parameters["head.bias"], head + centre)
    outputs = torch.zeros(4, requires_grad=True)
    loss = task.loss(outputs, np.arange(4))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()


def test_only_a_share_of_the_persons_is_learned_from_and_all_are_tuned_by(tmp_path):
    def two_each(table):
        return table.assign(subject=[f"s{i // 2}" for i in range(len(table))])

    task = opened(written(tmp_path, two_each, data="label_share = 0.25"))
    assert task.describe(task._config.stages[0]) == "16 photos of 8 subjects"
    assert len(task.tune_rows) == 16
    pairs, counts = np.unique(task.rows // 2, return_counts=True)
    assert (len(pairs), set(counts)) == (8, {2})


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_a_share_of_nobody_or_everybody_is_refused(tmp_path, share):
    config = written(tmp_path, data=f"label_share = {share}")
    with pytest.raises(DataError, match=rf"`label_share` is {share} of 64 persons"):
        opened(config)


@pytest.mark.parametrize(
    ("at", "split", "n"), [(3, "train", 64), (-1, "tune", 16)], ids=str
)
def test_ages_below_the_first_bin_are_refused(tmp_path, at, split, n):
    def one_child(table):
        table.iloc[at, table.columns.get_loc("age")] = 4
        return table

    config = written(tmp_path, one_child, more="[age]\nbins = [10, 40]")
    with pytest.raises(
        DataError,
        match=rf"1 of {n} photos of the split `{split}` are younger than 10, where "
        "`bins` begin; begin them at 0",
    ):
        opened(config)


def test_splits_are_dealt_where_the_table_names_none(tmp_path):
    def no_split(table):
        return table.drop(columns="split")

    config = written(
        tmp_path, no_split, data="shares = { train = 0.5, tune = 0.25, test = 0.25 }"
    )
    task = opened(config)
    assert (len(task.rows), len(task.tune_rows)) == (40, 20)
    assert not set(task.rows) & set(task.tune_rows)
    assert task.data == opened(config).data


def test_nobody_to_tune_by_is_refused(tmp_path):
    config = written(tmp_path, n_tune=0)
    with pytest.raises(DataError, match="`split` is `tune` in none of the 64 photos"):
        opened(config)


def test_a_task_needs_labels(tmp_path):
    config = replace(written(tmp_path), labels=None)
    with pytest.raises(DataError, match=r"`labels` is missing in \[data\]"):
        opened(config)


def test_a_job_has_the_task_of_its_kind(tmp_path):
    job = open_job(written(tmp_path))
    assert isinstance(job.task, AgeTask)
    assert (job.task.error_name, job.task.tune_extra) == ("macro MAE, years", None)
    assert job.task.extra(np.arange(3), torch.Generator()) is None


def test_copies_of_a_photo_in_several_splits_are_warned_of(tmp_path):
    config = written(tmp_path)  # 64 photos to learn from, then 16 to tune by
    pictures = made_pictures(made_ages(80))
    pictures[[1, 2, 70]] = pictures[0]
    pictures[5] = pictures[4]  # of one split, which is no matter
    pictures[79] = pictures[6]
    write_crops(tmp_path / "crops.parquet", pictures, margin=MARGIN)
    with pytest.warns(
        ResultWarning,
        match=r"^6 of 80 photos have copies, .* in another split.*subject",
    ):
        opened(config)
