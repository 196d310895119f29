"""The one exception that stands for a user's mistake."""


class GlassworkError(Exception):
    """Something the user can put right, told in one sentence: what, where, what to do.

    The command line prints the sentence on standard error and ends with exit code 2; no traceback.
    """
