"""The model of a forecasting run: predicts what comes next in series."""

from pathlib import Path

from glasswork.errors import GlassworkError
from glasswork.systems.forecast.generate import Foretold, foretell
from glasswork.systems.model import Model


class ForecastModel(Model):
    """A model of the values to come of series."""

    def forecast(self, data: str | Path | None = None) -> Foretold:
        """How series go on after the last of their values, in quantiles.

        Args:
            data: a table of the series with their newest values; None: the run's own data.

        Raises:
            GlassworkError: for data that does not fit the model.
        """
        source = self._own_place() if data is None else data
        if source is None:
            raise GlassworkError("This run has no data of its own: give a table of series with --data")
        return foretell(self.network, self.system.read(source, self.task), self.execution)
