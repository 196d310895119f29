"""Inspects recurrent networks on sequences: states and gates, errors back in time, what units track."""
