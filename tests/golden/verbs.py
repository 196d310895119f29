from tests.golden.scene import Scene

VERBS: tuple[Scene, ...] = ()
