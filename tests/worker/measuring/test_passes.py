"""The images that passes are of, and the steps of training."""

import pytest
import torch

from explorer.worker.measuring.passes import TrainingStep, forward, images

pytestmark = pytest.mark.xdist_group("torch")

CPU = torch.device("cpu")


def test_images_are_normal_and_the_first_are_alike_in_every_batch():
    few, many = (images(n, (3, 32, 32), CPU, torch.float32, torch.contiguous_format) for n in (3, 20))
    assert torch.equal(few, many[:3])
    assert not torch.equal(many[:8], many[8:16])
    assert abs(float(many.mean())) < 0.02
    assert abs(float(many.std()) - 1) < 0.02


def test_the_loss_of_a_classifier_is_cross_entropy():
    model = torch.nn.Linear(4, 3)
    step = TrainingStep(model, model, torch.ones(5, 4), None)
    loss = step.forward()
    labels = torch.randint(3, (5,), generator=torch.Generator().manual_seed(0))
    assert torch.equal(loss, torch.nn.functional.cross_entropy(model(torch.ones(5, 4)), labels))
    assert step.described()["loss"] == "cross-entropy, random labels"


def test_without_a_class_to_tell_the_loss_is_a_distance():
    model = torch.nn.Conv2d(3, 2, 1)
    step = TrainingStep(model, model, torch.ones(1, 3, 4, 4), None)
    before = model.weight.detach().clone()
    step()
    assert not torch.equal(before, model.weight)
    assert step.described()["loss"] == "mean squared error, random target"
    assert step.described()["grad_scaler"] is False


def test_autocast_is_entered_by_the_pass_itself():
    model = torch.nn.Linear(4, 3)
    assert forward(model, torch.ones(2, 4), torch.bfloat16)().dtype == torch.bfloat16
    assert forward(model, torch.ones(2, 4), None)().dtype == torch.float32
