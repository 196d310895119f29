"""The scenes of the public face in Python: `import glasswork as gw` and its estimators."""

from typing import Any

from tests.golden import data
from tests.golden.scene import Called, Scene

MACHINE = {
    "threads": 1,
    "precision": "float32",
    "memory_format": "contiguous",
    "allocator": "default",
    "device": "cpu",
}
Found = tuple[Any, Any]


def weights(network: Any) -> dict[str, str]:
    from tests.golden.internals import described

    return {name: described(tensor) for name, tensor in network.state_dict().items()}


def trained() -> Found:
    import glasswork as gw

    model = gw.train("mlp", data="data.csv", hidden=(6, 4), epochs=2, out="run", **MACHINE)
    answers = model.predict(["data.csv"])
    again = gw.load("run", device="cpu")
    return (
        {
            "classes": list(model.classes),
            "evaluate": model.evaluate(),
            "on data": again.evaluate("data.csv"),
            "answers": [answer.to_json() for answer in answers[:5]],
            "presets": [[preset.name, preset.system, preset.data, preset.sentence] for preset in gw.presets()],
        },
        weights(again.network),
    )


def own_module() -> Found:
    import torch
    from torch import nn

    import glasswork as gw

    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(144, 8), nn.ReLU(), nn.Linear(8, 3))
    model = gw.train(network=network, data="data.npz", epochs=2, batch_size=8, out="own", **MACHINE)
    return model.evaluate(), weights(network)


def opened() -> Found:
    import torch
    from torch import nn

    import glasswork as gw

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.LayerNorm(3), nn.Linear(3, 2))
    trace = gw.open_network(network, torch.randn(1, 4), target=1, learning_rate=0.1)
    return trace.to_json(), None


def glass_box() -> Found:
    import glasswork as gw

    return (
        {
            "graph": gw.graph("(x+y)*z", x=-2, y=5, z=-4).to_json(),
            "count": gw.count("lenet", 32).to_json(),
            "convolve": gw.convolve([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]], [[1, 0], [0, -1]], padding="valid").to_json(),
        },
        None,
    )


def experiments() -> Found:
    import glasswork as gw

    asked = {"data": "data.csv", "epochs": 2, **MACHINE}
    compared = gw.crossvalidate("mlp", {"hidden": [2, 4]}, 2, **asked)
    varied = gw.vary("mlp", "hidden", [2, 4], asked)
    return {"crossvalidate": compared.to_json(), "vary": varied.to_json()}, None


def estimators() -> Found:
    import numpy as np
    from sklearn.datasets import load_iris

    import glasswork as gw

    inputs, targets = load_iris(return_X_y=True)
    classifier = gw.sklearn.NetworkClassifier(epochs=3, random_state=1).fit(inputs, targets)
    regressor = gw.sklearn.NetworkRegressor(epochs=3, random_state=1).fit(inputs, inputs[:, 0] * 2 + 1)
    chances, numbers = classifier.predict_proba(inputs), regressor.predict(inputs)
    found = {
        "classes": classifier.classes_.tolist(),
        "score": classifier.score(inputs, targets),
        "chances": np.asarray(chances)[:3].tolist(),
        "numbers": np.asarray(numbers)[:3].tolist(),
        "parameters": {name: str(value) for name, value in classifier.get_params().items()},
    }
    return found, {"chances": hashed(chances), "numbers": hashed(numbers)}


def hashed(values: Any) -> str:
    import numpy as np
    from tests.golden.internals import digest

    return f"{values.dtype}{list(values.shape)} {digest(np.ascontiguousarray(values).tobytes())}"


def features() -> Found:
    import numpy as np

    import glasswork as gw

    gw.train("lenet", data="data.npz", epochs=1, batch_size=8, out="lenet", **MACHINE)
    made = gw.sklearn.NetworkFeatures("lenet").fit(None).transform(np.load("data.npz")["x"])
    return {"shape": list(made.shape)}, {"features": hashed(made)}


def displayed() -> Found:
    import glasswork as gw

    shown = gw.graph("x*y", x=2, y=3)
    return {"repr": repr(shown)[:200], "html": hasattr(shown, "_repr_html_")}, None


def both() -> None:
    data.rows()
    data.images()


CALLS: tuple[Scene, ...] = (
    Scene(
        "python",
        both,
        tuple(
            Called(call.__name__, call)
            for call in (trained, own_module, opened, glass_box, experiments, estimators, features, displayed)
        ),
    ),
)
