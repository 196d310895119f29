"""Which operation of the textbook a recorded call is: an explicit table by the names of torch's functions.

A reader has the parameters of torch's function; arguments that it does not take mean that the textbook does not have
this use of it, and the operation is shown as unknown.
"""

import inspect

from glasswork.glassbox.trace import readers
from glasswork.glassbox.trace.calls import Known, Reader, WrittenOver, call
from glasswork.glassbox.trace.recorder import Recorded
from glasswork.textbook.activations import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    LogSigmoid,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    StopGradient,
    Tanh,
)
from glasswork.textbook.arithmetic import (
    Absolute,
    Add,
    Clamp,
    Cosine,
    Divide,
    Exponential,
    Log1p,
    Logarithm,
    Maximum,
    Minimum,
    Multiply,
    Negate,
    Power,
    Sine,
    SquareRoot,
    Subtract,
    Where,
)
from glasswork.textbook.attention import Attention
from glasswork.textbook.convolution import Convolution, TransposedConvolution
from glasswork.textbook.cross_entropy import BinaryCrossEntropy, CrossEntropy, NegativeLogLikelihood
from glasswork.textbook.losses import AbsoluteError, Hinge, Pinball, SquaredError
from glasswork.textbook.normalization import GroupNormalization, LayerNormalization, LocalResponseNormalization
from glasswork.textbook.pooling import AdaptiveAveragePooling, AdaptiveMaxPooling, AveragePooling, MaxPooling
from glasswork.textbook.recurrent import GRU, LSTM, RNN, GRUStep, LSTMStep, RNNStep
from glasswork.textbook.reductions import (
    Argmax,
    Argmin,
    CumulativeSum,
    Largest,
    LogSumExp,
    Mean,
    Smallest,
    StandardDeviation,
    Sum,
    Variance,
)
from glasswork.textbook.scores import Linear, LogSoftmax, Matmul, Softmax
from glasswork.textbook.shapes import Concatenate, Embedding, Stack

_CONVOLUTION = call(Convolution, "input weight bias? stride padding dilation groups")
_TRANSPOSED = call(TransposedConvolution, "input weight bias? stride padding output_padding groups dilation")
_MAXIMUM = call(MaxPooling, "input kernel_size! stride padding dilation ceil_mode return_indices")
_AVERAGE = call(AveragePooling, "input kernel_size! stride padding ceil_mode count_include_pad divisor_override")
_TWO, _OTHER_FIRST = "input other out", "other input"
_SCALED = "input other alpha=1 out"
_DIVIDED = call(Divide(), "input other rounding_mode")
_PLACE = "input dim keepdim"
_WEIGHTED = "input target weight? size_average ignore_index reduce reduction"
_BINARY = call(BinaryCrossEntropy, "input target weight? size_average reduce reduction pos_weight")

READERS: dict[str, Reader] = {
    # scores and layers
    "linear": call(Linear(), "input weight bias?"),
    "conv1d": _CONVOLUTION,
    "conv2d": _CONVOLUTION,
    "conv3d": _CONVOLUTION,
    "conv_transpose1d": _TRANSPOSED,
    "conv_transpose2d": _TRANSPOSED,
    "max_pool1d": _MAXIMUM,
    "max_pool2d": _MAXIMUM,
    "avg_pool1d": _AVERAGE,
    "avg_pool2d": _AVERAGE,
    "adaptive_avg_pool1d": call(AdaptiveAveragePooling, "input output_size! return_indices"),
    "adaptive_avg_pool2d": call(AdaptiveAveragePooling, "input output_size! return_indices"),
    "adaptive_max_pool1d": call(AdaptiveMaxPooling, "input output_size! return_indices"),
    "adaptive_max_pool2d": call(AdaptiveMaxPooling, "input output_size! return_indices"),
    "batch_norm": readers.batch_norm,
    "layer_norm": call(LayerNormalization, "input normalized_shape! weight? bias? eps"),
    "group_norm": call(GroupNormalization, "input num_groups! weight? bias? eps"),
    "instance_norm": readers.instance_norm,
    "local_response_norm": call(LocalResponseNormalization, "input size! alpha beta k"),
    "dropout": readers.dropout,
    "dropout2d": readers.dropout,
    # activations
    "relu": call(ReLU()),
    "sigmoid": call(Sigmoid()),
    "log_sigmoid": call(LogSigmoid()),
    "logsigmoid": call(LogSigmoid()),
    "tanh": call(Tanh()),
    "silu": call(SiLU()),
    "hardsigmoid": call(HardSigmoid()),
    "hardswish": call(HardSwish()),
    "relu6": call(Clamp(0.0, 6.0)),
    "hardtanh": call(Clamp, "input min_val=-1.0 max_val=1.0 inplace"),
    "leaky_relu": call(LeakyReLU, "input negative_slope inplace"),
    "elu": call(ELU, "input alpha inplace"),
    "celu": call(CELU, "input alpha inplace"),
    "selu": call(SELU()),
    "softsign": call(Softsign()),
    "prelu": call(PReLU(), "input weight"),
    "glu": call(GLU, "input dim"),
    "gelu": call(GELU, "input approximate"),
    "softplus": call(Softplus, "input beta threshold"),
    "mish": call(Mish()),
    "softmax": call(Softmax, "input dim! _stacklevel dtype"),
    "log_softmax": call(LogSoftmax, "input dim! _stacklevel dtype"),
    # arithmetic
    "add": call(Add, _SCALED),
    "radd": call(Add, _SCALED, _OTHER_FIRST, without=("alpha",)),
    "sub": call(Subtract, _SCALED),
    "subtract": call(Subtract, _SCALED),
    "rsub": call(Subtract, _SCALED, _OTHER_FIRST, without=("alpha",)),
    "mul": call(Multiply(), _TWO),
    "multiply": call(Multiply(), _TWO),
    "rmul": call(Multiply(), _TWO, _OTHER_FIRST),
    "div": _DIVIDED,
    "divide": _DIVIDED,
    "truediv": _DIVIDED,
    "true_divide": _DIVIDED,
    "rtruediv": call(Divide(), _TWO, _OTHER_FIRST),
    "rdiv": call(Divide(), _TWO, _OTHER_FIRST),
    "matmul": call(Matmul(), _TWO),
    "rmatmul": call(Matmul(), _TWO, _OTHER_FIRST),
    "mm": call(Matmul(), _TWO),
    "bmm": call(Matmul(), _TWO),
    "einsum": readers.einsum,
    "neg": call(Negate()),
    "exp": call(Exponential()),
    "log": call(Logarithm()),
    "log1p": call(Log1p()),
    "sqrt": call(SquareRoot()),
    "rsqrt": call(Power(-0.5)),
    "abs": call(Absolute()),
    "sin": call(Sine()),
    "cos": call(Cosine()),
    "pow": call(Power, "input exponent!"),
    "square": call(Power(2)),
    "clamp": call(Clamp, "input min max"),
    "maximum": call(Maximum(), _TWO),
    "minimum": call(Minimum(), _TWO),
    "sum": call(Sum, "input dim keepdim dtype"),
    "mean": call(Mean, "input dim keepdim dtype"),
    "norm": readers.norm,
    # statistics
    "max": readers.extreme(Maximum(), Largest, Argmax),
    "min": readers.extreme(Minimum(), Smallest, Argmin),
    "amax": call(Largest, "input dim=() keepdim", without=("ties",)),
    "amin": call(Smallest, "input dim=() keepdim", without=("ties",)),
    "argmax": call(Argmax, _PLACE),
    "argmin": call(Argmin, _PLACE),
    "var": readers.spread(Variance),
    "std": readers.spread(StandardDeviation),
    "cumsum": call(CumulativeSum, "input dim! dtype"),
    "logsumexp": call(LogSumExp, "input dim! keepdim"),
    "normalize": readers.normalize,
    # conditions
    "gt": readers.comparison(">"),
    "greater": readers.comparison(">"),
    "lt": readers.comparison("<"),
    "less": readers.comparison("<"),
    "ge": readers.comparison(">="),
    "greater_equal": readers.comparison(">="),
    "le": readers.comparison("<="),
    "less_equal": readers.comparison("<="),
    "eq": readers.comparison("=="),
    "ne": readers.comparison("!="),
    "not_equal": readers.comparison("!="),
    "invert": readers.invert,
    "logical_not": readers.invert,
    "and": readers.both(Multiply()),
    "logical_and": readers.both(Multiply()),
    "or": readers.both(Maximum()),
    "logical_or": readers.both(Maximum()),
    "all": readers.quantify(Smallest),
    "any": readers.quantify(Largest),
    "where": readers.where,
    "masked_fill": call(Where(), "input mask value", "mask value input"),
    "tril": readers.triangle(lower=True),
    "triu": readers.triangle(lower=False),
    "setitem": readers.setitem,
    # losses
    "cross_entropy": call(CrossEntropy, f"{_WEIGHTED} label_smoothing"),
    "nll_loss": call(NegativeLogLikelihood, _WEIGHTED),
    "mse_loss": readers.error(SquaredError),
    "l1_loss": readers.error(AbsoluteError),
    "smooth_l1_loss": readers.smooth_l1,
    "huber_loss": readers.huber,
    "binary_cross_entropy_with_logits": call(
        BinaryCrossEntropy, "input target weight? size_average reduce reduction pos_weight"
    ),
    "hinge loss": call(Hinge("mean"), "scores targets"),
    "squared error": call(SquaredError("examples"), "scores targets"),
    "pinball loss": call(Pinball(), "scores targets"),
    "binary cross-entropy": call(BinaryCrossEntropy("examples"), "scores targets weight?"),
    # shapes
    "flatten": readers.reshape,
    "reshape": readers.reshape,
    "view": readers.reshape,
    "view_as": readers.reshape,
    "reshape_as": readers.reshape,
    "unflatten": readers.reshape,
    "squeeze": readers.reshape,
    "unsqueeze": readers.reshape,
    "transpose": readers.transpose,
    "swapaxes": readers.transpose,
    "permute": readers.permute,
    "t": readers.reverse_axes,
    "T": readers.reverse_axes,
    "mT": readers.last_two,
    "getitem": readers.getitem,
    "select": readers.select,
    "narrow": readers.narrow,
    "chunk": readers.pieces,
    "split": readers.pieces,
    "unbind": readers.unbind,
    "expand": readers.expand,
    "expand_as": readers.expand,
    "broadcast_to": readers.expand,
    "repeat": readers.repeat,
    "tile": readers.tile,
    "flip": readers.flip,
    "roll": readers.roll,
    "pad": readers.pad,
    "cat": readers.join(Concatenate),
    "concat": readers.join(Concatenate),
    "concatenate": readers.join(Concatenate),
    "stack": readers.join(Stack),
    # the same numbers again
    "detach": call(StopGradient()),
    "clone": readers.same,
    "contiguous": readers.same,
    "to": readers.same,
    "float": readers.same,
    "cpu": readers.same,
    "positive": readers.same,
    # sequences
    "one_hot": readers.one_hot,
    "embedding": call(Embedding, "input weight padding_idx max_norm norm_type scale_grad_by_freq sparse"),
    "scaled_dot_product_attention": call(Attention, "query key value attn_mask? dropout_p is_causal scale"),
    "multi_head_attention_forward": readers.multi_head,
    "rnn_tanh": readers.recurrent(RNN(nonlinearity="tanh")),
    "rnn_relu": readers.recurrent(RNN(nonlinearity="relu")),
    "gru": readers.recurrent(GRU()),
    "lstm": readers.recurrent(LSTM()),
    "rnn_tanh_cell": readers.cell(RNNStep(nonlinearity="tanh")),
    "rnn_relu_cell": readers.cell(RNNStep(nonlinearity="relu")),
    "gru_cell": readers.cell(GRUStep()),
    "lstm_cell": readers.cell(LSTMStep()),
}


def recognise(entry: Recorded) -> tuple[Known, ...]:
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
