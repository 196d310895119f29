import importlib
import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_networks import Functional, Troubled, convolutional, images, left_alone, raises_inside
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.attribution import (
    GradCam,
    IntegratedGradients,
    grad_cam,
    integrated_gradients,
    saliency,
)
from glasswork.glassbox.features.deconvolution import Deconvolution, deconvolution
from glasswork.glassbox.occlusion import Occlusion, occlusion
from glasswork.glassbox.tensor_summary import Values
from glasswork.networks.lenet import LeNet
from glasswork.record import Record

TARGETS = torch.tensor([2, 0, 3])
EXACT = {"rtol": 1e-9, "atol": 1e-12}

Look = Callable[[nn.Module, Tensor], Record]
LOOKS: dict[str, Look] = {
    "saliency": lambda network, x: saliency(network, x, TARGETS),
    "occlusion": lambda network, x: occlusion(network, x, TARGETS, 3, 2),
    "grad-cam": lambda network, x: grad_cam(network, x, TARGETS),
    "integrated gradients": lambda network, x: integrated_gradients(network, x, TARGETS, steps=300),
    "deconvolution": lambda network, x: deconvolution(network, x, name_of_last(network), 2),
}


def name_of_last(network: nn.Module) -> str:
    return next(name for name, module in reversed(list(network.named_modules())) if isinstance(module, nn.Linear))


def tensor(values: Values) -> Tensor:
    assert values.whole
    return torch.tensor(values.numbers, dtype=torch.float64).reshape(values.shape)


def captum() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("captum.attr")


def by_captum(attribute: Callable[..., Tensor], *arguments: Any, **options: Any) -> Tensor:
    """Captum warns of the hooks that it sets and of the gradients that it asks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return attribute(*arguments, **options).detach()


def test_saliency_is_captums():
    network, x = convolutional().eval(), images()
    expected = by_captum(captum().Saliency(network).attribute, images().requires_grad_(), target=TARGETS)
    found = saliency(network, x, TARGETS)
    torch.testing.assert_close(tensor(found.values), expected, **EXACT)
    torch.testing.assert_close(torch.tensor(found.scores), network(x)[range(3), TARGETS].float())


@pytest.mark.parametrize(("window", "stride", "baseline"), [(3, 2, 0), (4, 3, 0.5), (2, 1, -1), (9, 9, 0)])
def test_occlusion_is_captums(window, stride, baseline):
    network, x = convolutional().eval(), images()
    expected = by_captum(
        captum().Occlusion(network).attribute,
        x,
        sliding_window_shapes=(2, window, window),
        strides=(2, stride, stride),
        baselines=baseline,
        target=TARGETS,
    )
    found = occlusion(network, x, TARGETS, window, stride, baseline)
    torch.testing.assert_close(tensor(found.attribution.values), expected[:, 0].double(), rtol=1e-6, atol=1e-6)


def test_occlusion_of_features_of_a_table_is_captums():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 4)).double()
    x = torch.randn(3, 7, dtype=torch.float64)
    expected = by_captum(captum().Occlusion(network).attribute, x, (3,), 2, target=TARGETS)
    found = occlusion(network, x, TARGETS, 3, 2)
    torch.testing.assert_close(tensor(found.attribution.values), expected.double(), rtol=1e-6, atol=1e-6)
    assert found.windows == 3


@pytest.mark.parametrize("layer", ["0", "3", None])
def test_grad_cam_is_captums(layer):
    network, x = convolutional().eval(), images()
    module = network[int(layer or 3)]
    theirs = captum().LayerGradCam(network, module)
    expected = by_captum(theirs.attribute, images().requires_grad_(), target=TARGETS, relu_attributions=True)
    found = grad_cam(network, x, TARGETS, layer)
    assert (found.layer, found.chosen) == (layer or "3", layer is None)
    torch.testing.assert_close(tensor(found.attribution.values), expected[:, 0], **EXACT)
    assert expected.any()


@pytest.mark.parametrize("steps", [1, 7, 50])
def test_integrated_gradients_are_captums_with_its_default_quadrature(steps):
    network, x = convolutional().eval(), images()
    baseline = torch.full((1, 2, 9, 9), 0.25, dtype=torch.float64)
    theirs = captum().IntegratedGradients(network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, gap = theirs.attribute(
            x, baseline, TARGETS, n_steps=steps, method="gausslegendre", return_convergence_delta=True
        )
    found = integrated_gradients(network, x, TARGETS, baseline, steps)
    # Captum rounds the quadrature's weights to float32.
    torch.testing.assert_close(tensor(found.attribution.values), expected, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(torch.tensor([one.gap for one in found.completeness]), gap.float())


def test_deconvolution_is_captums():
    network, x = convolutional().eval(), images()
    theirs = captum().Deconvolution(network)
    output = by_captum(theirs.attribute, images().requires_grad_(), target=2)
    found = deconvolution(network, x, "8", 2)
    torch.testing.assert_close(tensor(found.attribution.values), output, **EXACT)
    assert found.rectified == 3
    gradient = tensor(saliency(network, x, 2).values)
    assert not torch.allclose(output.abs(), gradient)


@pytest.mark.parametrize(("layer", "unit"), [("3", (1, 0, 1)), ("4", (4, 1, 1)), ("0", (3, 8, 0)), ("2", (0, 2, 3))])
def test_deconvolution_of_a_hidden_unit_is_captums(layer, unit):
    network, x = convolutional().eval(), images()
    theirs = captum().NeuronDeconvolution(network, network[int(layer)])
    expected = by_captum(theirs.attribute, images().requires_grad_(), unit)
    found = deconvolution(network, x, layer, unit)
    torch.testing.assert_close(tensor(found.attribution.values), expected, **EXACT)
    assert expected.any()
    assert (found.unit, found.positions) == (unit[0], (unit[1:],) * 3)


def test_deconvolution_by_hand_unpools_at_the_switches_rectifies_and_transposes_the_filter():
    network, x = convolutional().eval(), images(1)
    found = deconvolution(network, x, "3", (2, 1, 0))
    maps = network[1](network[0](x))
    pooled, switches = nn.functional.max_pool2d(maps, 3, 2, return_indices=True)
    signal = torch.zeros(1, 5, 2, 2, dtype=torch.float64)
    signal[0, 2, 1, 0] = 1
    down = nn.functional.conv_transpose2d(signal, network[3].weight)
    unpooled = torch.zeros_like(maps).flatten(2).scatter_add_(2, switches.flatten(2), down.flatten(2)).view_as(maps)
    expected = nn.functional.conv_transpose2d(unpooled.relu(), network[0].weight, padding=1)
    torch.testing.assert_close(tensor(found.attribution.values), expected, **EXACT)
    assert pooled.shape[2:] == (4, 4)


def test_without_a_position_the_unit_is_followed_from_where_it_is_strongest():
    network, x = convolutional().eval(), images()
    found = deconvolution(network, x, "3", 1)
    maps = network[:4](x)[:, 1]
    assert found.attribution.scores == pytest.approx(maps.flatten(1).amax(1).tolist())
    assert [one[place].item() for one, place in zip(maps, found.positions, strict=True)] == pytest.approx(
        list(found.attribution.scores)
    )


@pytest.mark.parametrize("look", LOOKS)
def test_functions_and_in_place_calls_are_seen_like_modules(look):
    network, x = convolutional().eval(), images()
    expected, found = LOOKS[look](network, x), LOOKS[look](Functional(convolutional()), x)
    in_place = LOOKS[look](convolutional(inplace=True), x)
    for other in (found, in_place):
        ours, theirs = (getattr(one, "attribution", one) for one in (other, expected))
        torch.testing.assert_close(tensor(ours.values), tensor(theirs.values), **EXACT)
        assert tensor(ours.values).any()
    if isinstance(found, Deconvolution):
        assert found.rectified == 3


@pytest.mark.parametrize("make", [convolutional, lambda: Functional(convolutional())])
@pytest.mark.parametrize("look", LOOKS)
def test_the_network_is_left_as_it_was(look, make):
    network, x = make(), images()
    with left_alone(network):
        LOOKS[look](network, x)
    assert x.grad is None and not x.requires_grad
    torch.testing.assert_close(x, images())


@pytest.mark.parametrize(
    "look",
    [
        lambda network, x: occlusion(network, x, 0, 2, 1),
        lambda network, x: integrated_gradients(network, x, 0, steps=300),
        lambda network, x: [grad_cam(network, x, 0, "body.3") for _ in range(3)],
        lambda network, x: [deconvolution(network, x, "body.3", 0) for _ in range(3)],
        lambda network, x: [saliency(network, x, 0) for _ in range(3)],
    ],
)
def test_an_error_inside_leaves_nothing_behind(look):
    network = Troubled()
    network.calls = 1
    raises_inside(network, lambda: look(network, images()))


def test_it_works_where_gradients_are_turned_off():
    network, x = convolutional(), images()
    expected = saliency(network, x, 0)
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            assert saliency(network, x, 0) == expected


@pytest.mark.parametrize("look", LOOKS)
def test_to_json_and_back(look):
    found = LOOKS[look](convolutional(), images())
    assert type(found).from_json(json.loads(json.dumps(found.to_json()))) == found


def test_integrated_gradients_add_up_the_better_the_more_steps():
    network, x = convolutional(), images()
    gaps = [
        max(abs(one.gap) for one in integrated_gradients(network, x, TARGETS, steps=steps).completeness)
        for steps in (2, 300)
    ]
    assert gaps[1] < 0.01 < gaps[0]
    (one, *_) = integrated_gradients(network, x, TARGETS, steps=300).completeness
    network.eval()
    assert one.difference == pytest.approx((network(x) - network(0 * x))[0, 2].item())


def test_of_a_linear_network_integrated_gradients_are_weight_times_input():
    network = nn.Linear(3, 2).double()
    x = torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64)
    found = integrated_gradients(network, x, 1, steps=3)
    torch.testing.assert_close(tensor(found.attribution.values), network.weight.detach()[1:] * x)
    assert abs(found.completeness[0].gap) < 1e-12


def test_occlusion_says_where_hiding_hurts_most():
    class OnlyOnePixel(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 5 * x[:, :, 4, 7].sum(1, keepdim=True)

    found = occlusion(OnlyOnePixel(), torch.ones(1, 2, 9, 9), window=1)
    values = tensor(found.attribution.values)[0]
    assert values.nonzero().tolist() == [[4, 7]] and values[4, 7] == 10
    (worst,) = found.worst
    assert (worst.start, worst.stop, worst.score, worst.drop) == ((4, 7), (5, 8), 0.0, 10.0)


def test_occlusion_needs_no_gradient_so_whole_numbers_will_do():
    class Counts(nn.Module):
        def forward(self, words: Tensor) -> Tensor:
            return torch.stack([(words == 3).sum(1), (words == 5).sum(1)], 1)

    found = occlusion(Counts(), torch.tensor([[3, 5, 3, 1]]), 0, window=1)
    assert found.attribution.values.numbers == (1.0, 0.0, 1.0, 0.0)


def test_lenet_is_looked_into_by_all_methods_with_pictures():
    torch.manual_seed(0)
    network, x = LeNet((1, 28, 28), 10), torch.randn(2, 1, 28, 28)
    cam: GradCam = grad_cam(network, x, 3)
    assert (cam.layer, cam.attribution.values.shape) == ("convolution_2", (2, 10, 10))
    assert [(one.channels[0].width, one.channels[0].height) for one in cam.attribution.maps] == [(28, 28)] * 2
    path: IntegratedGradients = integrated_gradients(network, x, 3)
    assert path.attribution.values.shape == (2, 1, 28, 28)
    hidden: Occlusion = occlusion(network, x, 3, 7, 7)
    assert (hidden.windows, hidden.attribution.values.shape) == (16, (2, 28, 28))


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (lambda n, x: saliency(n, x, 4), "no output 4: the network has 4, numbered from 0 to 3"),
        (lambda n, x: saliency(n, x, -1), "no output -1"),
        (lambda n, x: saliency(n, x), "4 outputs; say which one"),
        (lambda n, x: saliency(n, x, [0, 1]), "3 inputs and 2 targets"),
        (lambda n, x: saliency(n, x.long(), 0), "whole numbers .int64."),
        (lambda n, x: saliency(n, x[:0], 0), "batch of at least one"),
        (lambda n, x: saliency(n, x[:, :1], 0), r"in layer 0, Conv2d\(2, 4.*\), .*channels"),
        (lambda n, x: saliency(n, x[:, :, :8], 0), r"in layer 6, Linear\(in_features=20"),
        (lambda n, x: grad_cam(n, x, 0, "conv3"), "no layer 'conv3' in this network; its layers are 0, 1"),
        (lambda n, x: grad_cam(n, x, 0, "6"), "Layer 6 has no feature maps"),
        (
            lambda n, x: grad_cam(nn.Sequential(nn.Flatten(2), nn.Flatten()), x, 0, "0"),
            "Layer 0 has no feature maps",
        ),
        (lambda n, x: grad_cam(n[6:], x.flatten(1)[:, :20], 0), "no convolution layers"),
        (lambda n, x: deconvolution(n, x, "3", 5), "no unit 5 in layer 3"),
        (lambda n, x: deconvolution(n, x, "3", (0, 2, 0)), r"no position \(2, 0\) in layer 3"),
        (lambda n, x: occlusion(n, x, 0, 2, 3), "window of 2 by 2 moved by 3 by 3 cannot cover"),
        (lambda n, x: occlusion(n, x, 0, 10, 1), "window of 10 by 10"),
        (lambda n, x: occlusion(n, x, 0, (3, 3, 3), 1), "window has 3 sizes"),
        (lambda n, x: integrated_gradients(n, x, 0, torch.zeros(7)), "baseline has the shape"),
        (lambda n, x: integrated_gradients(n, x, 0, steps=0), "at least 1 step"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(look, words):
    network = convolutional()
    with left_alone(network), pytest.raises(GlassworkError, match=words) as told:
        look(network, images())
    assert "\n" not in str(told.value)


def test_a_misspelt_layer_is_told_the_nearest():
    with pytest.raises(GlassworkError, match="did you mean convolution_2"):
        grad_cam(LeNet((1, 28, 28), 10), torch.randn(1, 1, 28, 28), 0, "convolution2")


def test_a_layer_without_part_in_the_answer_is_told():
    network = convolutional()
    network[0].register_module("spare", nn.Conv2d(1, 1, 1))
    with pytest.raises(GlassworkError, match="is not used when"):
        grad_cam(network, images(), 0, "0.spare")


def test_grad_cam_looks_before_the_places_are_put_together() -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    network = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 5, 1), nn.Flatten())
    found = grad_cam(network, torch.randn(1, 3, 8, 8), 2)
    assert found.layer == "0.0" and found.attribution.values.shape == (1, 6, 6)
