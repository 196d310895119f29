"""Readers of embeddings, attention and recurrent layers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from glasswork.glassbox.trace.recorder import Input, Recorded
from glasswork.glassbox.trace.torch_calls.known import Known, Operand, Reading, shape_of
from glasswork.textbook.attention import Attention, MultiHeadAttention
from glasswork.textbook.recurrence import Recurrence
from glasswork.textbook.recurrent import RecurrentStep
from glasswork.textbook.shapes import Embedding, OneHot


def one_hot(entry: Recorded, tensor: Input, num_classes: int = -1) -> Reading:
    """`F.one_hot` with a number of classes."""
    return Known(OneHot(num_classes), (tensor,)) if num_classes > 0 else None


def embedding(
    entry: Recorded, input: Input, weight: Input, padding_idx: int | None = None, *words: Any, **options: Any
) -> Reading:
    """`F.embedding`."""
    return Known(Embedding(padding_idx), (input, weight))


def attention(
    entry: Recorded,
    query: Input,
    key: Input,
    value: Input,
    attn_mask: Operand = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Reading:
    """`F.scaled_dot_product_attention` without dropout."""
    if dropout_p:
        return None
    return Known(Attention(is_causal, scale), (query, key, value, attn_mask))


def multi_head(entry: Recorded, query: Input, key: Input, value: Input, *words: Any, **options: Any) -> Reading:
    """`F.multi_head_attention_forward` with one projection for query, key and value, and without dropout."""
    names = [
        "embed",
        "heads",
        "in_w",
        "in_b",
        "bias_k",
        "bias_v",
        "zero_attn",
        "rate",
        "out_w",
        "out_b",
        "training",
        "padding_mask",
        "need_weights",
        "mask",
    ]
    given = {**dict(zip(names, words, strict=False))}
    torch_names = {"training": "training", "key_padding_mask": "padding_mask", "need_weights": "need_weights"}
    torch_names |= {"attn_mask": "mask"}
    given |= {torch_names[key]: value for key, value in options.items() if key in torch_names}
    plain = given.get("bias_k") is None and given.get("padding_mask") is None and not given.get("zero_attn")
    random = bool(given.get("rate")) and bool(given.get("training", True))
    if random or not plain or given.get("in_w") is None or options.get("use_separate_proj_weight"):
        return None
    if len(shape_of(query)) != 3 or not options.get("average_attn_weights", True) or options.get("is_causal"):
        return None
    operands = (query, key, value, given["in_w"], given["in_b"], given["out_w"], given["out_b"], given.get("mask"))
    return Known(MultiHeadAttention(given["heads"], bool(given.get("need_weights", True))), operands)


def recurrent(operation: Recurrence) -> Callable[..., Reading]:
    """`torch.lstm`, `torch.gru`, `torch.rnn_tanh`, `torch.rnn_relu` of sequences of one length."""

    def read(
        entry: Recorded,
        input: Input,
        hx: Any,
        flat_weights: Any,
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> Reading:
        if not isinstance(flat_weights, (list, tuple)) or (dropout and train and num_layers > 1):
            return None  # packed sequences, or masks that cannot be seen
        states = tuple(hx) if isinstance(hx, (list, tuple)) else (hx,)
        own = replace(
            operation,
            num_layers=num_layers,
            bidirectional=bidirectional,
            batch_first=batch_first,
            has_biases=has_biases,
        )
        return Known(own, (input, *states, *flat_weights))

    return read


def cell(operation: RecurrentStep) -> Callable[..., Reading]:
    """`torch.lstm_cell` and its like."""

    def read(
        entry: Recorded, input: Input, hx: Any, w_ih: Input, w_hh: Input, b_ih: Any = None, b_hh: Any = None
    ) -> Reading:
        states = tuple(hx) if isinstance(hx, (list, tuple)) else (hx,)
        return Known(operation, (input, *states, w_ih, w_hh, b_ih, b_hh))

    return read
