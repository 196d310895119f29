"""How the operations on sequences are tried."""

from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from textbook.case import Case, Drawn, numbers


def generic(draw: Any, size: tuple[int, ...], deviation: float) -> Tensor:
    """Normal numbers, of which no sum cancels: keeps rectified units off their kink, errors of many steps bounded."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31 - 1)))
    return deviation * torch.randn(size, generator=generator, dtype=torch.float64)


def sizes(draw: Any, count: int, most: int = 4) -> list[int]:
    return draw(st.lists(st.integers(1, most), min_size=count, max_size=count))


def embedding(draw: Any) -> Drawn:
    words, features = sizes(draw, 2)
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=0, max_size=3)))
    count = int(torch.tensor(shape).prod()) if shape else 1
    indices = draw(st.lists(st.integers(0, words - 1), min_size=count, max_size=count))
    padding = draw(st.none() | st.integers(-words, words - 1))
    return (torch.tensor(indices).reshape(shape), numbers(draw, (words, features))), {"padding_idx": padding}


def one_hot(draw: Any) -> Drawn:
    (indices, _), _ = embedding(draw)
    return (indices,), {"num_classes": int(indices.max()) + draw(st.integers(1, 3))}


def step(gates: int, states: int) -> Any:
    """One step with that many rows of weights for each unit, from that many states."""

    def drawn(draw: Any) -> Drawn:
        batch, features, width = sizes(draw, 3)
        inputs = [numbers(draw, (batch, features)), *(numbers(draw, (batch, width)) for _ in range(states))]
        weights = [numbers(draw, (gates * width, features)), numbers(draw, (gates * width, width))]
        if not draw(st.booleans()):
            return (*inputs, *weights, None, None), {}
        return (*inputs, *weights, numbers(draw, (gates * width,)), numbers(draw, (gates * width,))), {}

    return drawn


def rnn_step(draw: Any) -> Drawn:
    inputs, _ = step(gates=1, states=1)(draw)
    nonlinearity = draw(st.sampled_from(["tanh", "relu"]))
    if nonlinearity == "relu":
        inputs = (*inputs[:2], *(None if w is None else generic(draw, tuple(w.shape), 5) for w in inputs[2:]))
    return inputs, {"nonlinearity": nonlinearity}


def sequence(gates: int, states: int) -> Any:
    """Up to four times of up to two layers in up to two directions."""

    def drawn(draw: Any) -> Drawn:
        times, batch, features, width = sizes(draw, 4)
        layers, both, first, biases = draw(st.tuples(st.integers(1, 2), *[st.booleans()] * 3))
        train = draw(st.booleans())
        options = {
            "num_layers": layers,
            "bidirectional": both,
            "batch_first": first,
            "has_biases": biases,
            "train": train,
            "dropout": 0.0 if train and layers > 1 else draw(st.sampled_from([0.0, 0.5])),
        }
        directions = 2 if both else 1
        x = numbers(draw, (batch, times, features) if first else (times, batch, features), -3, 3)
        initial = [numbers(draw, (layers * directions, batch, width), -3, 3) for _ in range(states)]
        weights = []
        for place in range(layers * directions):
            below = features if place < directions else directions * width
            shapes = [(gates * width, below), (gates * width, width), *([(gates * width,)] * 2 if biases else [])]
            weights += [generic(draw, shape, 0.7) for shape in shapes]
        return (x, *initial, *weights), options

    return drawn


def rnn(draw: Any) -> Drawn:
    inputs, options = sequence(gates=1, states=1)(draw)
    return inputs, {**options, "nonlinearity": draw(st.sampled_from(["tanh", "relu"]))}


def torch_rnn_step(*tensors: Tensor, nonlinearity: str) -> Tensor:
    return {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell}[nonlinearity](*tensors)


def in_torchs_order(options: dict[str, Any]) -> list[Any]:
    return [options[name] for name in ("has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")]


def torch_rnn(x: Tensor, h: Tensor, *weights: Tensor, nonlinearity: str, **options: Any) -> Any:
    function = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[nonlinearity]
    return function(x, h, list(weights), *in_torchs_order(options))


def torch_gru(x: Tensor, h: Tensor, *weights: Tensor, **options: Any) -> Any:
    return torch.gru(x, h, list(weights), *in_torchs_order(options))


def torch_lstm(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor, **options: Any) -> Any:
    return torch.lstm(x, [h, c], list(weights), *in_torchs_order(options))


def drawn_mask(draw: Any, shape: tuple[int, ...], may_look: bool, nowhere: bool) -> Tensor | None:
    """No mask, one of type bool, or one that is added, in places minus infinity.

    may_look: what True means; nowhere: whether a query may be left without a key.
    """
    kind = draw(st.sampled_from(["none", "bool", "added"]))
    if kind == "none":
        return None
    count = int(torch.tensor(shape).prod())
    seen = torch.tensor(draw(st.lists(st.booleans(), min_size=count, max_size=count))).reshape(shape)
    if not nowhere:
        seen[..., 0] = True
    if kind == "bool":
        return seen if may_look else ~seen
    return numbers(draw, shape).masked_fill(~seen, -torch.inf)


def attention(draw: Any) -> Drawn:
    queries, keys, features, outputs = sizes(draw, 4)
    batch = tuple(draw(st.lists(st.integers(1, 3), min_size=0, max_size=2)))
    tensors = [numbers(draw, (*batch, *own)) for own in ((queries, features), (keys, features), (keys, outputs))]
    causal = draw(st.booleans())
    ahead = tuple(draw(st.sampled_from([1, size])) for size in batch) if draw(st.booleans()) else ()
    mask = None if causal else drawn_mask(draw, (*ahead, queries, keys), may_look=True, nowhere=True)
    scale = draw(st.none() | st.floats(0.1, 2))
    return (*tensors, mask), {"is_causal": causal, "scale": scale}


def torch_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, **options: Any) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, mask, **options)


def multi_head_attention(draw: Any) -> Drawn:
    queries, keys, batch, heads = sizes(draw, 4, most=3)
    features = heads * draw(st.integers(1, 2))
    need_weights = draw(st.booleans())
    shapes = [(queries, batch, features), (keys, batch, features), (keys, batch, features)]
    in_weight, out_weight = numbers(draw, (3 * features, features), -1, 1), numbers(draw, (features, features), -1, 1)
    in_bias = numbers(draw, (3 * features,), -1, 1) if draw(st.booleans()) else None
    out_bias = numbers(draw, (features,), -1, 1) if draw(st.booleans()) else None
    ahead = (batch * heads,) if draw(st.booleans()) else ()
    mask = drawn_mask(draw, (*ahead, queries, keys), may_look=False, nowhere=not need_weights)
    inputs = (*(numbers(draw, own, -2, 2) for own in shapes), in_weight, in_bias, out_weight, out_bias, mask)
    return inputs, {"heads": heads, "need_weights": need_weights}


def torch_multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_weight: Tensor,
    in_bias: Tensor | None,
    out_weight: Tensor,
    out_bias: Tensor | None,
    mask: Tensor | None,
    heads: int,
    need_weights: bool,
) -> Any:
    sources = (query, key, value, query.shape[-1], heads, in_weight, in_bias, None, None, False, 0.0)
    found = F.multi_head_attention_forward(*sources, out_weight, out_bias, need_weights=need_weights, attn_mask=mask)
    return found if need_weights else found[0]


CASES: dict[str, Case] = {
    "one_hot": Case(one_hot, F.one_hot),
    "embedding": Case(embedding, lambda indices, w, padding_idx: F.embedding(indices, w, padding_idx)),
    "rnn_step": Case(rnn_step, torch_rnn_step),
    "gru_step": Case(step(gates=3, states=1), torch.gru_cell),
    "lstm_step": Case(step(gates=4, states=2), lambda x, h, c, *weights: torch.lstm_cell(x, (h, c), *weights)),
    "rnn": Case(rnn, torch_rnn),
    "gru": Case(sequence(gates=3, states=1), torch_gru),
    "lstm": Case(sequence(gates=4, states=2), torch_lstm),
    "attention": Case(attention, torch_attention),
    "multi_head_attention": Case(multi_head_attention, torch_multi_head_attention),
}
