"""Which operation of the textbook a recorded call is: an explicit table by the names of torch's functions.

A reader has the parameters of torch's function; arguments that it does not take mean that the textbook does not have
this use of it, and the operation is shown as unknown.
"""

import inspect
from collections.abc import Callable

from glasswork.glassbox.trace.recorder import Recorded
from glasswork.glassbox.trace.torch_calls import arithmetic, choices, layers, sequences, shapes, statistics
from glasswork.glassbox.trace.torch_calls.known import Known, Reading, WrittenOver

READERS: dict[str, Callable[..., Reading]] = {
    # scores and layers
    "linear": layers.linear,
    "conv1d": layers.convolution,
    "conv2d": layers.convolution,
    "conv3d": layers.convolution,
    "conv_transpose1d": layers.transposed,
    "conv_transpose2d": layers.transposed,
    "max_pool1d": layers.max_pool,
    "max_pool2d": layers.max_pool,
    "avg_pool1d": layers.average_pool,
    "avg_pool2d": layers.average_pool,
    "adaptive_avg_pool1d": layers.adaptive("adaptive_average_pooling"),
    "adaptive_avg_pool2d": layers.adaptive("adaptive_average_pooling"),
    "adaptive_max_pool1d": layers.adaptive("adaptive_max_pooling"),
    "adaptive_max_pool2d": layers.adaptive("adaptive_max_pooling"),
    "batch_norm": layers.batch_norm,
    "layer_norm": layers.layer_norm,
    "group_norm": layers.group_norm,
    "instance_norm": statistics.instance_norm,
    "local_response_norm": layers.local_response,
    "dropout": layers.dropout,
    "dropout2d": layers.dropout,
    # activations
    "relu": arithmetic.pointwise("relu"),
    "sigmoid": arithmetic.pointwise("sigmoid"),
    "log_sigmoid": arithmetic.pointwise("log_sigmoid"),
    "logsigmoid": arithmetic.pointwise("log_sigmoid"),
    "tanh": arithmetic.pointwise("tanh"),
    "silu": arithmetic.pointwise("silu"),
    "hardsigmoid": arithmetic.pointwise("hard_sigmoid"),
    "hardswish": arithmetic.pointwise("hard_swish"),
    "relu6": arithmetic.relu6,
    "hardtanh": arithmetic.hardtanh,
    "leaky_relu": arithmetic.leaky_relu,
    "elu": arithmetic.elu,
    "gelu": arithmetic.gelu,
    "softplus": arithmetic.softplus,
    "mish": arithmetic.pointwise("mish"),
    "softmax": arithmetic.softmax("softmax"),
    "log_softmax": arithmetic.softmax("log_softmax"),
    # arithmetic
    "add": arithmetic.two("add", scaled=True),
    "radd": arithmetic.two("add", swapped=True),
    "sub": arithmetic.two("subtract", scaled=True),
    "subtract": arithmetic.two("subtract", scaled=True),
    "rsub": arithmetic.two("subtract", swapped=True),
    "mul": arithmetic.two("multiply"),
    "multiply": arithmetic.two("multiply"),
    "rmul": arithmetic.two("multiply", swapped=True),
    "div": arithmetic.divide,
    "divide": arithmetic.divide,
    "truediv": arithmetic.divide,
    "true_divide": arithmetic.divide,
    "rtruediv": arithmetic.two("divide", swapped=True),
    "rdiv": arithmetic.two("divide", swapped=True),
    "matmul": arithmetic.two("matmul"),
    "rmatmul": arithmetic.two("matmul", swapped=True),
    "mm": arithmetic.two("matmul"),
    "bmm": arithmetic.two("matmul"),
    "einsum": arithmetic.einsum,
    "neg": arithmetic.pointwise("negate"),
    "exp": arithmetic.pointwise("exponential"),
    "log": arithmetic.pointwise("logarithm"),
    "log1p": arithmetic.pointwise("log1p"),
    "sqrt": arithmetic.pointwise("square_root"),
    "rsqrt": arithmetic.reciprocal_root,
    "abs": arithmetic.pointwise("absolute"),
    "sin": arithmetic.pointwise("sine"),
    "cos": arithmetic.pointwise("cosine"),
    "pow": arithmetic.power,
    "square": arithmetic.square,
    "clamp": arithmetic.clamp,
    "maximum": arithmetic.two("maximum"),
    "minimum": arithmetic.two("minimum"),
    "sum": arithmetic.reduced("sum"),
    "mean": arithmetic.reduced("mean"),
    "norm": arithmetic.norm,
    # statistics
    "max": statistics.extreme("maximum", "largest", "argmax"),
    "min": statistics.extreme("minimum", "smallest", "argmin"),
    "amax": statistics.extreme_value("largest"),
    "amin": statistics.extreme_value("smallest"),
    "argmax": statistics.extreme_place("argmax"),
    "argmin": statistics.extreme_place("argmin"),
    "var": statistics.spread("variance"),
    "std": statistics.spread("standard_deviation"),
    "cumsum": statistics.cumulative_sum,
    "logsumexp": statistics.logsumexp,
    "normalize": statistics.normalize,
    # conditions
    "gt": choices.comparison(">"),
    "greater": choices.comparison(">"),
    "lt": choices.comparison("<"),
    "less": choices.comparison("<"),
    "ge": choices.comparison(">="),
    "greater_equal": choices.comparison(">="),
    "le": choices.comparison("<="),
    "less_equal": choices.comparison("<="),
    "eq": choices.comparison("=="),
    "ne": choices.comparison("!="),
    "not_equal": choices.comparison("!="),
    "invert": choices.inverted,
    "logical_not": choices.inverted,
    "and": choices.both("multiply"),
    "logical_and": choices.both("multiply"),
    "or": choices.both("maximum"),
    "logical_or": choices.both("maximum"),
    "all": choices.quantified("smallest"),
    "any": choices.quantified("largest"),
    "where": choices.where,
    "masked_fill": choices.masked_fill,
    "tril": choices.triangle(lower=True),
    "triu": choices.triangle(lower=False),
    "setitem": choices.setitem,
    # losses
    "cross_entropy": arithmetic.cross_entropy,
    "nll_loss": arithmetic.negative_log_likelihood,
    "mse_loss": arithmetic.mean_squared_error,
    "binary_cross_entropy_with_logits": arithmetic.binary_cross_entropy,
    "hinge loss": arithmetic.own_loss("hinge", "mean"),
    "squared error": arithmetic.own_loss("squared_error", "examples"),
    "pinball loss": arithmetic.own_loss("pinball", None),
    "binary cross-entropy": arithmetic.own_loss("binary_cross_entropy", "examples"),
    # shapes
    "flatten": shapes.reshape,
    "reshape": shapes.reshape,
    "view": shapes.reshape,
    "view_as": shapes.reshape,
    "reshape_as": shapes.reshape,
    "unflatten": shapes.reshape,
    "squeeze": shapes.reshape,
    "unsqueeze": shapes.reshape,
    "transpose": shapes.transpose,
    "swapaxes": shapes.transpose,
    "permute": shapes.permute,
    "t": shapes.turned,
    "T": shapes.turned,
    "mT": shapes.last_two,
    "getitem": shapes.getitem,
    "select": shapes.select,
    "narrow": shapes.narrow,
    "chunk": shapes.pieces,
    "split": shapes.pieces,
    "unbind": shapes.unbind,
    "expand": shapes.expand,
    "expand_as": shapes.expand,
    "broadcast_to": shapes.expand,
    "repeat": shapes.repeat,
    "tile": shapes.tile,
    "flip": shapes.flip,
    "roll": shapes.roll,
    "pad": shapes.pad,
    "cat": shapes.joined("concatenate"),
    "concat": shapes.joined("concatenate"),
    "concatenate": shapes.joined("concatenate"),
    "stack": shapes.joined("stack"),
    # the same numbers again
    "clone": arithmetic.same,
    "contiguous": arithmetic.same,
    "to": arithmetic.same,
    "float": arithmetic.same,
    "cpu": arithmetic.same,
    "positive": arithmetic.same,
    # sequences
    "one_hot": sequences.one_hot,
    "embedding": sequences.embedding,
    "scaled_dot_product_attention": sequences.attention,
    "multi_head_attention_forward": sequences.multi_head,
    "rnn_tanh": sequences.recurrent("rnn", "tanh"),
    "rnn_relu": sequences.recurrent("rnn", "relu"),
    "gru": sequences.recurrent("gru"),
    "lstm": sequences.recurrent("lstm"),
    "rnn_tanh_cell": sequences.cell("rnn_step", "tanh"),
    "rnn_relu_cell": sequences.cell("rnn_step", "relu"),
    "gru_cell": sequences.cell("gru_step"),
    "lstm_cell": sequences.cell("lstm_step"),
}


def known_as(entry: Recorded) -> tuple[Known, ...]:
    """What a recorded call is in the textbook: one operation, or one for each of its outputs; empty where unknown."""
    reader = READERS.get(entry.name) or READERS.get(_plain_name(entry.name))
    if reader is None:
        return ()
    try:
        bound = inspect.signature(reader).bind(entry, *entry.arguments, **entry.options)
    except TypeError:  # a use that the reader does not take
        return ()
    try:
        found = reader(*bound.args, **bound.kwargs)
    except WrittenOver:
        return ()
    if found is None:
        return ()
    return (found,) if isinstance(found, Known) else tuple(found)


def _plain_name(name: str) -> str:
    """`add` for `__add__`, `add_` and `__iadd__`; the arithmetic in place is the same."""
    bare = name.strip("_")
    return bare.removeprefix("i") if name.startswith("__i") and bare not in READERS else bare
