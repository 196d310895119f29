"""What the pooling operations share: their windows."""

from torch import Tensor

from glasswork.textbook.windows import Frame, Size, frame


def pooled(
    x: Tensor, kernel: Size, stride: Size | None, padding: Size, dilation: Size = 1, ceil_mode: bool = False
) -> Frame:
    """The windows of a pooling over the last dimensions of `x`.

    They are as many as the kernel has numbers; where it is one number, all but the first two (examples and channels).
    Without a stride windows do not overlap: the stride is the kernel.

    Raises:
        ValueError: a window is larger than the padded input.
    """
    count = x.dim() - 2 if isinstance(kernel, int) else len(kernel)
    return frame(x.shape[x.dim() - count :], kernel, stride or kernel, padding, dilation, ceil_mode)
