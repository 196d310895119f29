"""Networks that answer with a sequence: an encoder reads, a decoder writes (Kolter: sequence to sequence)."""

import abc

import torch
from torch import Tensor, nn

from glasswork.networks.attention_decoder import AttentionDecoder
from glasswork.networks.decoding import Memory


class EncoderDecoder(nn.Module, abc.ABC):
    """Scores of every next token, given the inputs and the tokens before it.

    Args:
        decoder: writes.
        unrolled: tokens of an answer at most, if the network goes on from its own tokens in one pass.
    """

    def __init__(self, decoder: AttentionDecoder, unrolled: int) -> None:
        super().__init__()
        self.decoder = decoder
        self.unrolled = unrolled

    @abc.abstractmethod
    def encode(self, inputs: Tensor) -> Memory:
        """What the encoder reads of a batch of inputs."""

    def forward(self, inputs: Tensor, previous: Tensor | None = None) -> Tensor:
        """Scores (batch, tokens, times), as cross-entropy takes them.

        Args:
            inputs: a batch of them.
            previous: the token before each time, int64 (batch, times), -1 before the first (teacher forcing; Williams
                and Zipser 1989); None: the network's own most probable tokens, `unrolled` of them.
        """
        memory = self.encode(inputs)
        return self._own(memory) if previous is None else self.decoder(memory, previous)

    def _own(self, memory: Memory) -> Tensor:
        memory = self.decoder.prepare(memory)
        state, said = self.decoder.begin(memory), []
        token = torch.full((memory.values.shape[0],), -1, device=memory.values.device)
        for _ in range(self.unrolled):
            step = self.decoder.step(token, state, memory)
            token, state = step.log_probabilities.argmax(1), step.state
            said.append(step.log_probabilities)
        return torch.stack(said, 2)


def sample_previous(network: EncoderDecoder, inputs: Tensor, previous: Tensor, share: float) -> Tensor:
    """Scheduled sampling: some of the tokens before each time are the network's own (Bengio et al. 2015).

    The network reads the true tokens once and draws its own at every time from what it says there; a share of them
    takes the place of the true ones, so that training stays two passes (Duckworth et al. 2019, with one).

    Args:
        network: that is trained.
        inputs: of the batch.
        previous: the true tokens, int64 (batch, times).
        share: of tokens that are replaced.
    """
    if share <= 0:
        return previous
    with torch.no_grad():
        said = network(inputs, previous).float().softmax(1).transpose(1, 2)  # (batch, times, tokens)
        drawn = torch.multinomial(said.flatten(0, 1), 1).view(previous.shape)
        own = nn.functional.pad(drawn[:, :-1], (1, 0), value=-1)
        replaced = (torch.rand(previous.shape, device=previous.device) < share) & (previous >= 0)
        # An end would say that the rest does not matter: a true token stands there.
        replaced &= own < network.decoder.tokens - 1
        return torch.where(replaced, own, previous)
